import type { StablePort } from '../protocol/execution/system-api/session.ts';
import type { DirtyPage } from '../protocol/interfaces/wasm-host.ts';
import { PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import type { PageMap } from '../protocol/replicated-state/page-map.ts';

/**
 * Stable memory of one run: the committed pages with the run's own writes on top. Dropping the
 * object undoes the run.
 */
export class StableMemory implements StablePort {
  readonly #committed: PageMap;
  readonly #written = new Map<number, Uint8Array>();
  #wasmPages: number;

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
    let done = 0;
    while (done < target.length) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const start = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, target.length - done);
      const page = this.#written.get(index) ?? this.#committed.get(index);
      if (page === undefined) {
        target.fill(0, done, done + count);
      } else {
        target.set(page.subarray(start, start + count), done);
      }
      done += count;
    }
  }

  write(offset: number, bytes: Uint8Array): number {
    const before = this.#written.size;
    let done = 0;
    while (done < bytes.length) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const start = (offset + done) % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - start, bytes.length - done);
      let page = this.#written.get(index);
      if (page === undefined) {
        page = this.#committed.get(index)?.slice() ?? new Uint8Array(PAGE_BYTES);
        this.#written.set(index, page);
      }
      page.set(bytes.subarray(done, done + count), start);
      done += count;
    }
    return this.#written.size - before;
  }

  dirtyPages(): number {
    return this.#written.size;
  }

  /** The written pages in order of index. */
  takeDirty(): DirtyPage[] {
    return [...this.#written]
      .map(([index, bytes]) => ({ index, bytes }))
      .sort((a, b) => a.index - b.index);
  }
}
