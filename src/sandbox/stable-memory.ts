import type { StablePort } from '../protocol/execution/system-api/session.ts';
import type { DirtyPage } from '../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES, WASM_PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import type { PageMap } from '../protocol/replicated-state/page-map.ts';

/** Pages that share one look-up. */
const BLOCK_PAGES = WASM_PAGE_BYTES / PAGE_BYTES;
/** Below this many bytes a loop beats the engine's own copying. */
const SHORT_COPY_BYTES = 16;

/** Written pages of 64 KiB of stable memory. Only they take space: writes may lie far apart. */
type Block = (Uint8Array | undefined)[];

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

  read(offset: number, target: Uint8Array): void {
    let block: Block | undefined;
    let blockIndex = -1;
    let done = 0;
    while (done < target.length) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const start = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, target.length - done);
      const wanted = Math.floor(index / BLOCK_PAGES);
      if (wanted !== blockIndex) {
        block = this.#blocks.get(wanted);
        blockIndex = wanted;
      }
      const page = block?.[index % BLOCK_PAGES] ?? this.#committed.get(index);
      if (page === undefined) {
        target.fill(0, done, done + count);
      } else {
        copy(target, done, page, start, count);
      }
      done += count;
    }
  }

  write(offset: number, bytes: Uint8Array): number {
    const before = this.#dirtyPages;
    let block: Block = [];
    let blockIndex = -1;
    let done = 0;
    while (done < bytes.length) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const start = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, bytes.length - done);
      const wanted = Math.floor(index / BLOCK_PAGES);
      if (wanted !== blockIndex) {
        block = this.#writableBlock(wanted);
        blockIndex = wanted;
      }
      const page = block[index % BLOCK_PAGES] ?? this.#takePage(block, index, count);
      copy(page, start, bytes, done, count);
      done += count;
    }
    return this.#dirtyPages - before;
  }

  #writableBlock(blockIndex: number): Block {
    let block = this.#blocks.get(blockIndex);
    if (block === undefined) {
      block = Array.from({ length: BLOCK_PAGES }, () => undefined);
      this.#blocks.set(blockIndex, block);
    }
    return block;
  }

  /** A page of the run's own; what it held need not be read when all of it will be overwritten. */
  #takePage(block: Block, index: number, overwritten: number): Uint8Array {
    const page = new Uint8Array(PAGE_BYTES);
    const committed = overwritten === PAGE_BYTES ? undefined : this.#committed.get(index);
    if (committed !== undefined) {
      page.set(committed);
    }
    block[index % BLOCK_PAGES] = page;
    this.#dirtyPages += 1;
    return page;
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
