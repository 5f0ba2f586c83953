import { PAGE_BYTES, WASM_PAGE_BYTES, type DirtyPage } from '../interfaces/wasm-host.ts';
import { MAX_CHUNK_BYTES } from '../limits/management.ts';
import type { HashHex } from '../types/ids.ts';
import { emptyPageMap, type PageMap } from './page-map.ts';

/**
 * Pieces of modules too large for one message. Each takes a slot of 1 MiB in a memory of pages, so
 * that a copy of the store (a snapshot has one) shares everything with the original.
 * @upstream rs/replicated_state/src/canister_state/system_state/wasm_chunk_store.rs
 */
export interface ChunkStore {
  /** In order of upload, which is the order of their slots. */
  readonly chunks: readonly StoredChunk[];
  readonly pages: PageMap;
}

export interface StoredChunk {
  /** SHA-256 of the bytes. */
  readonly hash: HashHex;
  readonly length: number;
}

export const EMPTY_CHUNK_STORE: ChunkStore = { chunks: [], pages: emptyPageMap() };

const PAGES_PER_SLOT = MAX_CHUNK_BYTES / PAGE_BYTES;

/** What the store is charged for: a full slot for each chunk, however short. */
export function chunkStoreBytes(store: ChunkStore): bigint {
  return BigInt(store.chunks.length) * BigInt(MAX_CHUNK_BYTES);
}

/** Size of the store's memory in Wasm pages. */
export function chunkStoreWasmPages(store: ChunkStore): number {
  return store.chunks.length * (MAX_CHUNK_BYTES / WASM_PAGE_BYTES);
}

export function hasChunk(store: ChunkStore, hash: HashHex): boolean {
  return store.chunks.some((chunk) => chunk.hash === hash);
}

/** The store with one more chunk of at most 1 MiB, which it must not have yet. */
export function withChunk(store: ChunkStore, hash: HashHex, bytes: Uint8Array): ChunkStore {
  const first = store.chunks.length * PAGES_PER_SLOT;
  const count = Math.ceil(bytes.length / PAGE_BYTES);
  // A copy of its own, so that the message that brought the chunk can be forgotten.
  const padded = new Uint8Array(count * PAGE_BYTES);
  padded.set(bytes);
  const pages: DirtyPage[] = [];
  for (let i = 0; i < count; i += 1) {
    const page = padded.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES);
    pages.push({ index: first + i, bytes: page });
  }
  return {
    chunks: [...store.chunks, { hash, length: bytes.length }],
    pages: store.pages.with(pages),
  };
}

/** The bytes of a chunk; undefined when the store has none with this hash. */
export function chunkOf(store: ChunkStore, hash: HashHex): Uint8Array | undefined {
  const slot = store.chunks.findIndex((chunk) => chunk.hash === hash);
  const chunk = store.chunks[slot];
  return chunk === undefined ? undefined : store.pages.read(slot * MAX_CHUNK_BYTES, chunk.length);
}
