import type { StablePort } from '../protocol/execution/system-api/session.ts';
import type { DirtyPage } from '../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import type { PageMap } from '../protocol/replicated-state/page-map.ts';

const BLOCK_SHIFT = 4;
/** Pages that share one look-up. */
const BLOCK_PAGES = 1 << BLOCK_SHIFT;
/** Below this many bytes a loop beats the engine's own copying. */
const SHORT_COPY_BYTES = 16;

/** The written ones among neighbouring pages. Only they take space: writes may lie far apart. */
type Block = (Uint8Array | undefined)[];

const NOTHING_WRITTEN: Block = [];

function copy(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  count: number,
): void {
  if (count > SHORT_COPY_BYTES) {
    target.set(source.subarray(from, from + count), at);
    return;
  }
  for (let i = 0; i < count; i += 1) {
    target[at + i] = source[from + i] as number;
  }
}

/**
 * Stable memory of one run: the committed pages with the run's own writes on top. Dropping the
 * object undoes the run.
 */
export class StableMemory implements StablePort {
  readonly #committed: PageMap;
  readonly #blocks = new Map<number, Block>();
  /** The block that was looked up last: accesses tend to stay near each other. */
  #latest: Block = NOTHING_WRITTEN;
  #latestIndex = -1;
  #wasmPages: number;
  #dirtyPages = 0;

  constructor(committed: PageMap, wasmPages: number) {
    this.#committed = committed;
    this.#wasmPages = wasmPages;
  }

  wasmPages(): number {
    return this.#wasmPages;
  }

  grow(wasmPages: number): void {
    this.#wasmPages += wasmPages;
  }

  read(offset: number, target: Uint8Array, at: number, size: number): void {
    // Divided once: offsets do not fit into 32 bits, where a remainder is dear.
    let index = Math.floor(offset / PAGE_BYTES);
    let start = offset - index * PAGE_BYTES;
    for (let done = 0; done < size; index += 1) {
      const count = Math.min(PAGE_BYTES - start, size - done);
      const page = this.#pageAt(index);
      if (page === undefined) {
        target.fill(0, at + done, at + done + count);
      } else {
        copy(target, at + done, page, start, count);
      }
      done += count;
      start = 0;
    }
  }

  write(offset: number, source: Uint8Array, from: number, size: number): number {
    const before = this.#dirtyPages;
    let index = Math.floor(offset / PAGE_BYTES);
    let start = offset - index * PAGE_BYTES;
    for (let done = 0; done < size; index += 1) {
      const count = Math.min(PAGE_BYTES - start, size - done);
      const block = this.#writableBlockOf(index);
      const page =
        block[index & (BLOCK_PAGES - 1)] ?? this.#takePages(block, index, offset, offset + size);
      copy(page, start, source, from + done, count);
      done += count;
      start = 0;
    }
    return this.#dirtyPages - before;
  }

  #pageAt(index: number): Uint8Array | undefined {
    const blockIndex = index >>> BLOCK_SHIFT;
    if (blockIndex !== this.#latestIndex) {
      this.#latest = this.#blocks.get(blockIndex) ?? NOTHING_WRITTEN;
      this.#latestIndex = blockIndex;
    }
    return this.#latest[index & (BLOCK_PAGES - 1)] ?? this.#committed.get(index);
  }

  #writableBlockOf(index: number): Block {
    const blockIndex = index >>> BLOCK_SHIFT;
    if (blockIndex === this.#latestIndex && this.#latest !== NOTHING_WRITTEN) {
      return this.#latest;
    }
    let block = this.#blocks.get(blockIndex);
    if (block === undefined) {
      block = Array.from({ length: BLOCK_PAGES }, () => undefined);
      this.#blocks.set(blockIndex, block);
    }
    this.#latest = block;
    this.#latestIndex = blockIndex;
    return block;
  }

  /**
   * Pages of the run's own for what a write from `offset` to `end` has of the block from page `index`
   * on, in one buffer. What they held need not be read where all of a page will be overwritten.
   */
  #takePages(block: Block, index: number, offset: number, end: number): Uint8Array {
    const first = index & (BLOCK_PAGES - 1);
    const most = Math.min(BLOCK_PAGES - first, Math.ceil(end / PAGE_BYTES) - index);
    let count = 1;
    while (count < most && block[first + count] === undefined) {
      count += 1;
    }
    const pages = new Uint8Array(count * PAGE_BYTES);
    for (let i = 0; i < count; i += 1) {
      const page = pages.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES);
      const start = (index + i) * PAGE_BYTES;
      const committed =
        start >= offset && start + PAGE_BYTES <= end ? undefined : this.#committed.get(index + i);
      if (committed !== undefined) {
        page.set(committed);
      }
      block[first + i] = page;
    }
    this.#dirtyPages += count;
    return block[first] as Uint8Array;
  }

  dirtyPages(): number {
    return this.#dirtyPages;
  }

  /** The written pages in order of index. */
  takeDirty(): DirtyPage[] {
    const dirty: DirtyPage[] = [];
    for (const [blockIndex, block] of [...this.#blocks].sort(([a], [b]) => a - b)) {
      block.forEach((bytes, slot) => {
        if (bytes !== undefined) {
          dirty.push({ index: blockIndex * BLOCK_PAGES + slot, bytes });
        }
      });
    }
    return dirty;
  }
}
