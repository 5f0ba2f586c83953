import { PAGE_BYTES } from '../interfaces/wasm-host.ts';
import type { PageSource } from '../replicated-state/page-map.ts';
import { PAGES_PER_CHUNK } from '../state-manager/checkpoint-files.ts';
import type { HashHex } from '../types/ids.ts';

/** Chunks of checkpoints on the node's disk that are not read before somebody needs them. */
export interface ChunkDisk {
  /** Bytes of every chunk. */
  readonly sizes: ReadonlyMap<HashHex, number>;
  /** The chunk as it was written; undefined when it is damaged. */
  read(hash: HashHex): Uint8Array | undefined;
  /** A state needs a chunk that is damaged: the host throws; the node starts again without the chunk. */
  lost(hash: HashHex): never;
}

class StoredChunk implements PageSource {
  private readonly hash: HashHex;
  private readonly chunks: StoredChunks;
  private kept: Uint8Array | undefined;

  constructor(hash: HashHex, chunks: StoredChunks) {
    this.hash = hash;
    this.chunks = chunks;
  }

  page(index: number): Uint8Array {
    const bytes = this.kept ?? this.chunks.chunk(this.hash) ?? this.chunks.disk.lost(this.hash);
    const start = (index % PAGES_PER_CHUNK) * PAGE_BYTES;
    return bytes.subarray(start, start + PAGE_BYTES);
  }

  keep(): void {
    this.kept = this.chunks.chunk(this.hash);
  }
}

/**
 * Memories that a node goes on with after a restart, left on its disk until their pages are asked for.
 * Of a chunk that leaves the disk the bytes are kept: states and older checkpoints may still have it.
 */
export class StoredChunks {
  readonly disk: ChunkDisk;
  private readonly shared = new Map<HashHex, StoredChunk>();
  /** The chunk that was read last: pages are mostly asked for in their order. */
  private last: { readonly hash: HashHex; readonly bytes: Uint8Array } | undefined;

  constructor(disk: ChunkDisk) {
    this.disk = disk;
  }

  /** The pages of a chunk; undefined when the disk has none of this size. */
  pages(hash: HashHex, size: number): PageSource | undefined {
    if (this.disk.sizes.get(hash) !== size) {
      return undefined;
    }
    const pages = this.shared.get(hash) ?? new StoredChunk(hash, this);
    this.shared.set(hash, pages);
    return pages;
  }

  /** The whole chunk; undefined when the disk does not have it undamaged. */
  chunk(hash: HashHex): Uint8Array | undefined {
    if (this.last?.hash !== hash) {
      const bytes = this.disk.read(hash);
      this.last = bytes && { hash, bytes };
    }
    return this.last?.bytes;
  }

  /** The chunk is about to be removed from the disk. */
  release(hash: HashHex): void {
    this.shared.get(hash)?.keep();
    this.shared.delete(hash);
  }
}
