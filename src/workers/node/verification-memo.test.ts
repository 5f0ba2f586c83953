import { describe, expect, it } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { INSECURE_TEST_SUITE } from '../../protocol/crypto/insecure-test-crypto.ts';
import { createRealSuite } from '../../protocol/crypto/real-suite.ts';
import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import { createMemoryChannelHub } from '../transport/memory-channel.ts';
import { createVerificationMemo } from './verification-memo.ts';

const CHANNEL = 'verified';
const SECRET = new Uint8Array(32).fill(1);
const MESSAGE = Uint8Array.of(1, 2, 3);

/** Counts what really is checked. */
function counting(suite: CryptoSuite) {
  const checked = { bls: 0, basic: 0 };
  const wrapped: CryptoSuite = {
    ...suite,
    bls: {
      ...suite.bls,
      verify: (...args) => {
        checked.bls += 1;
        return suite.bls.verify(...args);
      },
    },
    basic: {
      ...suite.basic,
      verify: (...args) => {
        checked.basic += 1;
        return suite.basic.verify(...args);
      },
    },
  };
  return { suite: wrapped, checked };
}

function createSubject(suite: CryptoSuite = INSECURE_TEST_SUITE) {
  const hub = createMemoryChannelHub();
  const later: (() => void)[] = [];
  const timers = {
    set: (_: number, task: () => void) => later.push(task),
    clear: () => undefined,
  };
  const node = (secret = SECRET) => {
    const { suite: counted, checked } = counting(suite);
    const channel = hub.open(CHANNEL);
    const memo = createVerificationMemo({ suite: counted, secret, channel, timers });
    return { ...memo, checked };
  };
  /** The end of the turn: what was found valid is told. */
  const tell = (): void => {
    for (const task of later.splice(0)) {
      task();
    }
    hub.flush();
  };
  const secretKey = createPrng('memo').bytes(32);
  secretKey[0] = 0;
  const publicKey = suite.bls.publicKey(secretKey);
  const signature = suite.bls.sign(secretKey, MESSAGE);
  return { hub, node, tell, secretKey, publicKey, signature };
}

describe('verification memo', () => {
  it.each([
    ['test crypto', INSECURE_TEST_SUITE],
    ['real crypto', createRealSuite()],
  ])('saves the others a check that one node made: %s', (_, suite) => {
    const { node, tell, secretKey, publicKey, signature } = createSubject(suite);
    const [a, b] = [node(), node()];
    expect(a.suite.bls.verify(publicKey, MESSAGE, signature)).toBe(true);
    const basicKey = suite.basic.publicKey(secretKey);
    const basicSignature = suite.basic.sign(secretKey, MESSAGE);
    expect(a.suite.basic.verify(basicKey, MESSAGE, basicSignature)).toBe(true);
    tell();
    expect(b.suite.bls.verify(publicKey, MESSAGE, signature)).toBe(true);
    expect(b.suite.basic.verify(basicKey, MESSAGE, basicSignature)).toBe(true);
    expect(b.checked).toEqual({ bls: 0, basic: 0 });
    expect(b.counters()).toEqual({ hits: 2, checks: 2 });
    expect(a.suite.bls.verify(publicKey, MESSAGE, signature), 'its own check as well').toBe(true);
    expect(a.checked).toEqual({ bls: 1, basic: 1 });
  });

  it('tells no failed check, and checks anything else itself', () => {
    const { node, tell, publicKey, signature } = createSubject();
    const [a, b] = [node(), node()];
    const forged = signature.slice();
    forged[5] = (forged[5] ?? 0) ^ 1;
    expect(a.suite.bls.verify(publicKey, MESSAGE, forged)).toBe(false);
    expect(a.suite.bls.verify(publicKey, MESSAGE, signature)).toBe(true);
    tell();
    const otherKey = publicKey.slice();
    otherKey[5] = (otherKey[5] ?? 0) ^ 1;
    expect(b.suite.bls.verify(publicKey, MESSAGE, forged)).toBe(false);
    expect(b.suite.bls.verify(otherKey, MESSAGE, signature)).toBe(false);
    expect(b.suite.bls.verify(publicKey, Uint8Array.of(1, 2, 3, 0), signature)).toBe(false);
    expect(b.suite.bls.verify(publicKey, MESSAGE, signature.subarray(1))).toBe(false);
    expect(b.checked.bls).toBe(4);
  });

  it('believes nobody without the secret, and survives any bytes', () => {
    const { hub, node, tell, publicKey, signature } = createSubject();
    const [stranger, b] = [node(new Uint8Array(32).fill(2)), node()];
    stranger.suite.bls.verify(publicKey, MESSAGE, signature);
    tell();
    const junk = hub.open(CHANNEL);
    for (const length of [0, 1, 31, 33, 32 * 4_096 + 32]) {
      junk.post(new Uint8Array(length));
    }
    tell();
    expect(b.suite.bls.verify(publicKey, MESSAGE, signature)).toBe(true);
    expect(b.checked.bls).toBe(1);
  });
});
