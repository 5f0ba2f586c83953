import { concatBytes } from '../../base/bytes.ts';
import { FILE_GROUP_BYTES, MAX_GROUPED_FILE_BYTES } from '../limits/state-sync.ts';
import type { Checkpoint } from './checkpoint.ts';
import { canisterOfRecord } from './checkpoint-files.ts';
import { encodeMetaManifest } from './manifest-codec.ts';
import { manifestPieces, type Manifest } from './manifest.ts';

/**
 * What can be asked for of a checkpoint, by number: 0 the meta-manifest, 1 + i chunk i of the table,
 * 2^30 + g the group g of small files, 2^31 + i piece i of the manifest.
 * @upstream rs/types/types/src/state_sync.rs
 */
export const META_MANIFEST_CHUNK = 0;
export const FIRST_FILE_CHUNK = 1;
export const FIRST_GROUP_CHUNK: number = 2 ** 30;
export const FIRST_MANIFEST_CHUNK: number = 2 ** 31;

/** Records of canisters that are fetched together: entries of the chunk table, by group. */
export function fileGroups(manifest: Manifest): readonly (readonly number[])[] {
  const groups: number[][] = [];
  let open: number[] = [];
  let bytes = 0;
  manifest.chunks.forEach(({ fileIndex, size }, index) => {
    const file = manifest.files[fileIndex];
    if (
      file === undefined ||
      file.size > MAX_GROUPED_FILE_BYTES ||
      canisterOfRecord(file.path) === undefined
    ) {
      return;
    }
    if (bytes + size > FILE_GROUP_BYTES) {
      groups.push(open);
      open = [];
      bytes = 0;
    }
    open.push(index);
    bytes += size;
  });
  return open.length === 0 ? groups : [...groups, open];
}

/** Answers for one checkpoint. */
export class ChunkIndex {
  private readonly checkpoint: Checkpoint;
  private groups: readonly (readonly number[])[] | undefined;

  constructor(checkpoint: Checkpoint) {
    this.checkpoint = checkpoint;
  }

  /** Undefined when there is no such chunk. */
  bytesOf(chunkId: number): Uint8Array | undefined {
    const { checkpoint } = this;
    if (chunkId === META_MANIFEST_CHUNK) {
      return encodeMetaManifest(checkpoint.metaManifest);
    }
    if (chunkId >= FIRST_MANIFEST_CHUNK) {
      return manifestPieces(checkpoint.encodedManifest)[chunkId - FIRST_MANIFEST_CHUNK];
    }
    if (chunkId >= FIRST_GROUP_CHUNK) {
      this.groups ??= fileGroups(checkpoint.manifest);
      const group = this.groups[chunkId - FIRST_GROUP_CHUNK];
      return group && concatBytes(...group.flatMap((index) => checkpoint.chunkAt(index) ?? []));
    }
    return checkpoint.chunkAt(chunkId - FIRST_FILE_CHUNK);
  }
}
