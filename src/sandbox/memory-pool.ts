import { WASM_PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import { HostFault } from './host-fault.ts';
import type { MemoryBudget, Reclaim } from './memory-budget.ts';

/** A Wasm memory with its address type, which the object itself does not tell. */
export interface PooledMemory {
  readonly memory: WebAssembly.Memory;
  readonly is64: boolean;
}

/** Of the whole memory: marks and heap. */
export function wasmPagesOf({ memory }: PooledMemory): number {
  return memory.buffer.byteLength / WASM_PAGE_BYTES;
}

/** Grows by `wasmPages`; the engine refusing is a fault of the host. */
export function growMemory({ memory, is64 }: PooledMemory, wasmPages: number): void {
  if (wasmPages === 0) {
    return;
  }
  try {
    // 64-bit memories take a bigint, which the type declarations do not know.
    memory.grow((is64 ? BigInt(wasmPages) : wasmPages) as number);
  } catch {
    throw new HostFault(`the engine could not grow a memory by ${wasmPages} pages`);
  }
}

/** 4 GiB, and more than 64-bit heaps and their marks need. */
const MAX_WASM_PAGES32 = 65_536;
const MAX_WASM_PAGES64 = 131_072;

/**
 * Larger memories are not used again: 64 MiB. The zeros that a next canister must find would be
 * written to every page, also to those that nobody ever touched and that take no room until then.
 */
const MAX_KEPT_WASM_PAGES = 1024;

function createMemory(is64: boolean, wasmPages: number): WebAssembly.Memory {
  const descriptor = is64
    ? { address: 'i64', initial: BigInt(wasmPages), maximum: BigInt(MAX_WASM_PAGES64) }
    : { initial: wasmPages, maximum: MAX_WASM_PAGES32 };
  return new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
}

/**
 * The memories of one sandbox. A memory that an instance gave back, if it is not large, serves the next
 * canister that needs at least its size: memories never shrink, and a larger one would not trap where it must.
 */
export class MemoryPool {
  readonly #budget: MemoryBudget;
  readonly #evict: Reclaim;
  readonly #free: PooledMemory[] = [];
  readonly #reclaim: Reclaim = () => this.dropOne() || (this.#evict() && this.dropOne());

  /** `evict` ends the least recently used idle instance, whose memory comes back to this pool. */
  constructor(budget: MemoryBudget, evict: Reclaim) {
    this.#budget = budget;
    this.#evict = evict;
    budget.register(this.#reclaim);
  }

  /** Ends one memory that nobody uses; false when there is none. */
  dropOne(): boolean {
    if (this.#free.shift() === undefined) {
      return false;
    }
    this.#budget.release();
    return true;
  }

  #takeFree(is64: boolean, wasmPages: number): PooledMemory | undefined {
    let best = -1;
    let bestPages = -1;
    this.#free.forEach((candidate, index) => {
      const pages = wasmPagesOf(candidate);
      if (candidate.is64 === is64 && pages <= wasmPages && pages > bestPages) {
        best = index;
        bestPages = pages;
      }
    });
    return best < 0 ? undefined : this.#free.splice(best, 1)[0];
  }

  /** A memory of exactly `wasmPages` pages, all zero. */
  acquire(is64: boolean, wasmPages: number): PooledMemory {
    let free = this.#takeFree(is64, wasmPages);
    if (free === undefined && this.#budget.isFull && this.#evict()) {
      free = this.#takeFree(is64, wasmPages);
    }
    if (free !== undefined) {
      new Uint8Array(free.memory.buffer).fill(0);
      growMemory(free, wasmPages - wasmPagesOf(free));
      return free;
    }
    this.#budget.acquire(this.#reclaim);
    for (;;) {
      try {
        return { memory: createMemory(is64, wasmPages), is64 };
      } catch {
        if (!this.#budget.reclaimOne(this.#reclaim)) {
          this.#budget.release();
          throw new HostFault(`the engine could not allocate a memory of ${wasmPages} pages`);
        }
      }
    }
  }

  /** Gives a memory back; nothing may use it afterwards. */
  giveBack(memory: PooledMemory): void {
    if (wasmPagesOf(memory) > MAX_KEPT_WASM_PAGES) {
      this.#budget.release();
    } else {
      this.#free.push(memory);
    }
  }

  close(): void {
    while (this.dropOne()) {
      // Each turn frees one.
    }
    this.#budget.unregister(this.#reclaim);
  }
}
