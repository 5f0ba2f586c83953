import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createChaChaRng } from '../../registry/chacha-rng.ts';
import { executionRng } from './raw-rand.ts';

const RANDOMNESS = new Uint8Array(32).fill(123);

function seeded(...purpose: readonly number[]): number {
  const hash = createHash('sha256').update(RANDOMNESS).update(Uint8Array.from(purpose)).digest();
  return createChaChaRng(Uint8Array.from(hash)).nextU32();
}

describe('the randomness of execution', () => {
  it('is drawn as the replica draws: the seed and a byte for the purpose are hashed', () => {
    // The value that the replica's own tests expect for committees (purpose 1).
    expect(seeded(1)).toBe(196_996_056);
    expect(executionRng(RANDOMNESS, 4).nextU32()).toBe(seeded(4, 0, 0, 0, 4));
  });

  it('is another one for each thread', () => {
    expect(executionRng(RANDOMNESS, 1).nextU32()).not.toBe(executionRng(RANDOMNESS, 2).nextU32());
  });
});
