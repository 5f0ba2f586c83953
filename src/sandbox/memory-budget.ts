import { HostFault } from './host-fault.ts';

/** Wasm memories a tab may hold over all its workers; Chromium gives out 124, 62 of them 64-bit. */
export const TAB_MEMORY_BUDGET = 120;

/** Gives up one memory that is not in use; false when there is none. */
export type Reclaim = () => boolean;

/**
 * Counts live Wasm memories against a limit that the engine enforces only in browsers, so that runs
 * in Node hit it too. Several sandboxes of one tab may share a budget.
 */
export class MemoryBudget {
  readonly limit: number;
  readonly #reclaimers = new Set<Reclaim>();
  #used = 0;

  constructor(limit: number = TAB_MEMORY_BUDGET) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get isFull(): boolean {
    return this.#used >= this.limit;
  }

  register(reclaim: Reclaim): void {
    this.#reclaimers.add(reclaim);
  }

  unregister(reclaim: Reclaim): void {
    this.#reclaimers.delete(reclaim);
  }

  /** Asks holders, the asking one first, to give up one memory. */
  reclaimOne(own: Reclaim): boolean {
    return own() || [...this.#reclaimers].some((reclaim) => reclaim !== own && reclaim());
  }

  /** Takes one slot. Throws `HostFault` when every memory of the tab is in use. */
  acquire(own: Reclaim): void {
    while (this.isFull) {
      if (!this.reclaimOne(own)) {
        throw new HostFault(`all ${this.limit} WebAssembly memories of this tab are in use`);
      }
    }
    this.#used += 1;
  }

  release(): void {
    this.#used -= 1;
  }
}
