import type { DirtyPage } from '../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import type { PageMap } from '../protocol/replicated-state/page-map.ts';

const PAGE_WORDS = PAGE_BYTES / 4;
const ZERO_WORDS = new Int32Array(PAGE_WORDS);

function wordsOf(page: Uint8Array | undefined): Int32Array {
  if (page === undefined) {
    return ZERO_WORDS;
  }
  const aligned = page.byteOffset % 4 === 0 ? page : page.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, PAGE_WORDS);
}

function differs(words: Int32Array, at: number, committed: Int32Array): boolean {
  for (let i = 0; i < PAGE_WORDS; i += 4) {
    const difference =
      ((words[at + i] as number) ^ (committed[i] as number)) |
      ((words[at + i + 1] as number) ^ (committed[i + 1] as number)) |
      ((words[at + i + 2] as number) ^ (committed[i + 2] as number)) |
      ((words[at + i + 3] as number) ^ (committed[i + 3] as number));
    if (difference !== 0) {
      return true;
    }
  }
  return false;
}

/** Copies of the pages of a heap that differ from the committed ones, in order of index. */
export function collectDirtyPages(buffer: ArrayBuffer, committed: PageMap): DirtyPage[] {
  const words = new Int32Array(buffer);
  const dirty: DirtyPage[] = [];
  const count = buffer.byteLength / PAGE_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (differs(words, index * PAGE_WORDS, wordsOf(committed.get(index)))) {
      const start = index * PAGE_BYTES;
      dirty.push({ index, bytes: new Uint8Array(buffer.slice(start, start + PAGE_BYTES)) });
    }
  }
  return dirty;
}

function restorePage(bytes: Uint8Array, index: number, page: Uint8Array | undefined): void {
  const start = index * PAGE_BYTES;
  if (page === undefined) {
    bytes.fill(0, start, start + PAGE_BYTES);
  } else {
    bytes.set(page, start);
  }
}

/** Makes a heap of unknown content equal to the committed pages. */
export function restoreAllPages(buffer: ArrayBuffer, committed: PageMap): void {
  const bytes = new Uint8Array(buffer);
  const count = buffer.byteLength / PAGE_BYTES;
  for (let index = 0; index < count; index += 1) {
    restorePage(bytes, index, committed.get(index));
  }
}

/** Makes a heap that equals `from` equal to `to`. */
export function switchPages(buffer: ArrayBuffer, from: PageMap, to: PageMap): void {
  const bytes = new Uint8Array(buffer);
  for (const index of from.changedIndices(to)) {
    if (index * PAGE_BYTES < bytes.length) {
      restorePage(bytes, index, to.get(index));
    }
  }
}
