import { STRADDLE_BYTES } from '../protocol/execution/wasm/memory-access.ts';
import type { DirtyPage } from '../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES, WASM_PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import type { PageMap } from '../protocol/replicated-state/page-map.ts';
import type { PooledMemory } from './memory-pool.ts';
import { growMemory } from './memory-pool.ts';
import { copyPages } from './copy-pages.ts';

const PAGE_WORDS = PAGE_BYTES / 4;
const STRADDLE_WORDS = STRADDLE_BYTES / 4;
const ZERO_WORDS = new Int32Array(PAGE_WORDS);

function wordsOf(page: Uint8Array | undefined): Int32Array {
  if (page === undefined) {
    return ZERO_WORDS;
  }
  const aligned = page.byteOffset % 4 === 0 ? page : page.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, PAGE_WORDS);
}

/** Whether the first `count` words at `at` differ from the page's; `count` is a multiple of 4. */
function differs(words: Int32Array, at: number, committed: Int32Array, count: number): boolean {
  for (let i = 0; i < count; i += 4) {
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

/** A page that may differ from what was committed: as a whole, or only in its first bytes. */
type VisitPage = (index: number, bytes: number) => void;

/**
 * The heap of one instance behind its marks: which 4 KiB pages were written to since they last
 * equalled a known content. Commit and rollback look at marked pages only, so that their cost does
 * not depend on the size of the heap.
 */
export class HeapPages {
  readonly #memory: PooledMemory;
  /** Of the whole memory; growing detaches its buffer. */
  #bytes: Uint8Array;
  /** Where the heap begins. */
  readonly base: number;

  constructor(memory: PooledMemory, baseWasmPages: number) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.memory.buffer);
    this.base = baseWasmPages * WASM_PAGE_BYTES;
  }

  /** A live view of marks and heap: use it at once. */
  memory(): Uint8Array {
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#memory.memory.buffer);
    }
    return this.#bytes;
  }

  get #buffer(): ArrayBuffer {
    return this.memory().buffer as ArrayBuffer;
  }

  wasmPages(): number {
    return this.size() / WASM_PAGE_BYTES;
  }

  /** In bytes. */
  size(): number {
    return this.memory().length - this.base;
  }

  grow(wasmPages: number): void {
    growMemory(this.#memory, wasmPages);
  }

  view(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.base + address, length);
  }

  /** Marks the pages of a range that the host writes to. */
  markWritten(address: number, length: number): void {
    if (length > 0) {
      const marks = this.memory();
      const last = Math.floor((address + length - 1) / PAGE_BYTES);
      for (let page = Math.floor(address / PAGE_BYTES); page <= last; page += 1) {
        marks[page] = 1;
      }
    }
  }

  /** Visits, in order of index, every page that a marked write can have reached, and unmarks it. */
  #takeMarked(visit: VisitPage): void {
    const pageCount = this.size() / PAGE_BYTES;
    const marks = this.memory();
    // Marks are 0 or 1: eight of them are a double that is zero or positive, the widest load there is.
    const eights = new Float64Array(this.#buffer, 0, this.base / 8);
    const end = pageCount / 8;
    for (let at = 0; at < end; at += 4) {
      const sum =
        (eights[at] as number) +
        (eights[at + 1] as number) +
        (eights[at + 2] as number) +
        (eights[at + 3] as number);
      if (sum !== 0) {
        this.#takeMarkedOf(marks, at * 8, Math.min(at * 8 + 32, pageCount), pageCount, visit);
      }
    }
  }

  #takeMarkedOf(
    marks: Uint8Array,
    from: number,
    to: number,
    pageCount: number,
    visit: VisitPage,
  ): void {
    for (let index = from; index < to; index += 1) {
      if (marks[index] === 0) {
        continue;
      }
      marks[index] = 0;
      visit(index, PAGE_BYTES);
      if (index + 1 < pageCount && marks[index + 1] === 0) {
        visit(index + 1, STRADDLE_BYTES);
      }
    }
  }

  /** Copies of the pages that differ from the committed ones, by index; from then on nothing is marked. */
  takeDirty(committed: PageMap): DirtyPage[] {
    const heap = new Int32Array(this.#buffer, this.base);
    const dirty: number[] = [];
    this.#takeMarked((index, bytes) => {
      const count = bytes === PAGE_BYTES ? PAGE_WORDS : STRADDLE_WORDS;
      if (differs(heap, index * PAGE_WORDS, wordsOf(committed.get(index)), count)) {
        dirty.push(index);
      }
    });
    return copyPages(this.#buffer, this.base, dirty);
  }

  /** Makes a heap that equals `from` but for its marked pages equal to `to`; nothing is marked then. */
  restore(from: PageMap, to: PageMap): void {
    const heap = new Uint8Array(this.#buffer, this.base);
    const put = (index: number, bytes: number): void => {
      const page = to.get(index);
      const start = index * PAGE_BYTES;
      if (page === undefined) {
        heap.fill(0, start, start + bytes);
      } else {
        heap.set(bytes === PAGE_BYTES ? page : page.subarray(0, bytes), start);
      }
    };
    this.#takeMarked(put);
    if (from !== to) {
      for (const index of from.changedIndices(to)) {
        if (index * PAGE_BYTES < heap.length) {
          put(index, PAGE_BYTES);
        }
      }
    }
  }
}
