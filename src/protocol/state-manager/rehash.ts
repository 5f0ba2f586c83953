import { CHUNK_BYTES, REHASH_EVERY_NTH } from '../limits/state-sync.ts';
import type { ReusedChunk } from './checkpoint.ts';
import { chunkParts } from './checkpoint-files.ts';
import { chunkHash } from './manifest.ts';

/**
 * Unchanged chunks that are hashed again after a checkpoint, as a check that nothing wrote to a
 * memory behind the node's back. @upstream rs/state_manager/src/manifest.rs#hash_plan
 */
export interface Rehash {
  readonly due: ReusedChunk[];
  /** The unchanged chunk to go on with after the next checkpoint. */
  readonly from: number;
}

/** One in ten of the unchanged chunks, at most `limit`, from chunk `from` on and around. */
export function chooseForRehash(
  reused: readonly ReusedChunk[],
  from: number,
  limit: number,
): Rehash {
  const count = Math.min(limit, Math.ceil(reused.length / REHASH_EVERY_NTH));
  const due = Array.from({ length: count }, (_, i) => reused[(from + i) % reused.length]);
  return {
    due: due.flatMap((chunk) => chunk ?? []),
    from: reused.length === 0 ? 0 : (from + count) % reused.length,
  };
}

export function isIntact({ content, chunk }: ReusedChunk): boolean {
  return chunkHash(...chunkParts(content, chunk.offset / CHUNK_BYTES)) === chunk.hash;
}
