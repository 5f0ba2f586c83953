import { assert } from '../base/assert.ts';
import type { CanisterId, HashHex } from '../protocol/types/ids.ts';
import { CanisterInstance } from './instance.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { MemoryContent } from './memory-content.ts';
import { MemoryPool } from './memory-pool.ts';
import type { CompiledModule } from './module-cache.ts';
import type { StackSize } from './stack-segments.ts';

/**
 * Live instances, one per canister, least recently used first. An instance is only a cache over the
 * page store: it may be ended at any time between runs and is rebuilt from pages.
 */
export class InstanceCache {
  readonly #pool: MemoryPool;
  readonly #stackSize: StackSize;
  /** In order of use. */
  readonly #idle = new Map<CanisterId, CanisterInstance>();

  constructor(budget: MemoryBudget, stackSize: StackSize) {
    this.#stackSize = stackSize;
    this.#pool = new MemoryPool(budget, () => this.#evictOldest());
  }

  get liveInstances(): number {
    return this.#idle.size;
  }

  #evictOldest(): boolean {
    for (const [canisterId, instance] of this.#idle) {
      if (instance.memory !== null) {
        this.#idle.delete(canisterId);
        instance.giveBackMemory(this.#pool);
        return true;
      }
    }
    return false;
  }

  /** A new instance whose heap is as the module defines it. */
  createFresh(hash: HashHex, compiled: CompiledModule): CanisterInstance {
    return this.#create(hash, compiled, compiled.instrumented.memory?.minWasmPages ?? 0);
  }

  #create(hash: HashHex, compiled: CompiledModule, wasmPages: number): CanisterInstance {
    const { memory } = compiled.instrumented;
    const pooled =
      memory === null ? null : this.#pool.acquire(memory.is64, memory.baseWasmPages + wasmPages);
    try {
      return new CanisterInstance(hash, compiled, pooled, this.#stackSize);
    } catch (fault) {
      if (pooled !== null) {
        this.#pool.giveBack(pooled);
      }
      throw fault;
    }
  }

  /** An instance that holds exactly `content`; taken out of the cache until `keep` or `discard`. */
  checkOut(
    canisterId: CanisterId,
    hash: HashHex,
    compiled: CompiledModule,
    content: Pick<MemoryContent, 'heapWasmPages' | 'heap' | 'globals'>,
  ): CanisterInstance {
    const cached = this.#idle.get(canisterId);
    this.#idle.delete(canisterId);
    if (cached !== undefined && cached.moduleHash === hash && cached.fits(content.heapWasmPages)) {
      cached.restore(content);
      return cached;
    }
    if (cached !== undefined) {
      this.discard(cached);
    }
    const instance = this.#create(hash, compiled, content.heapWasmPages);
    instance.restore(content);
    return instance;
  }

  /** Returns an instance whose `content` is known. */
  keep(canisterId: CanisterId, instance: CanisterInstance): void {
    assert(instance.content !== null, 'only an instance of known content is kept');
    this.forget(canisterId);
    if (instance.compiled.instrumented.instanceReusable) {
      this.#idle.set(canisterId, instance);
    } else {
      this.discard(instance);
    }
  }

  /** Ends an instance; its memory may serve another. */
  discard(instance: CanisterInstance): void {
    instance.giveBackMemory(this.#pool);
  }

  forget(canisterId: CanisterId): void {
    const instance = this.#idle.get(canisterId);
    if (instance !== undefined) {
      this.#idle.delete(canisterId);
      this.discard(instance);
    }
  }

  close(): void {
    for (const canisterId of this.#idle.keys()) {
      this.forget(canisterId);
    }
    this.#pool.close();
  }
}
