import { describe, expect, it } from 'vitest';
import { MemoryBudget } from './memory-budget.ts';
import { growMemory, MemoryPool, wasmPagesOf } from './memory-pool.ts';

const MIB = 16;

function pool(limit = 2): { readonly budget: MemoryBudget; readonly memories: MemoryPool } {
  const budget = new MemoryBudget(limit);
  return { budget, memories: new MemoryPool(budget, () => false) };
}

describe('a memory that was given back', () => {
  it('serves the next who needs as much or more, with nothing of what it held', () => {
    const { budget, memories } = pool();
    const first = memories.acquire(false, 2);
    new Uint8Array(first.memory.buffer).fill(7);
    memories.giveBack(first);
    const second = memories.acquire(false, 3);
    expect(second.memory).toBe(first.memory);
    expect(wasmPagesOf(second)).toBe(3);
    expect(new Uint8Array(second.memory.buffer).some((byte) => byte !== 0)).toBe(false);
    expect(budget.used).toBe(1);
  });

  it('does not serve who needs less: accesses beyond its end would not trap', () => {
    const { memories } = pool();
    const first = memories.acquire(false, 3);
    memories.giveBack(first);
    expect(memories.acquire(false, 2).memory).not.toBe(first.memory);
  });

  it('is let go of when it is large, however often, and takes no place then', () => {
    const { budget, memories } = pool();
    const seen = new Set<WebAssembly.Memory>();
    for (let turn = 0; turn < 5; turn += 1) {
      const large = memories.acquire(false, 64 * MIB);
      growMemory(large, 1);
      const bytes = new Uint8Array(large.memory.buffer);
      expect(bytes.indexOf(1)).toBe(-1);
      bytes[5] = 1;
      seen.add(large.memory);
      memories.giveBack(large);
      expect(budget.used).toBe(0);
    }
    expect(seen.size).toBe(5);
    const kept = memories.acquire(false, 64 * MIB);
    memories.giveBack(kept);
    expect(memories.acquire(false, 64 * MIB).memory).toBe(kept.memory);
  });
});
