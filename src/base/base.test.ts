import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { createBoundedQueue } from './bounded-queue.ts';
import { compareBytes, compareText } from './bytes.ts';
import { bytesToHex, hexToBytes } from './hex.ts';
import { decodeSleb128, decodeUleb128, encodeSleb128, encodeUleb128 } from './leb128.ts';
import { createLru } from './lru.ts';
import { createPrng } from './prng.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

describe('utf8', () => {
  test.prop([fc.string({ unit: 'binary', maxLength: 200 })])('agrees with TextEncoder', (text) => {
    expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
    expect(decodeUtf8(encodeUtf8(text))).toBe(
      new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)),
    );
  });

  test.prop([fc.uint8Array({ maxLength: 12 })])(
    'accepts exactly what a fatal TextDecoder does',
    (bytes) => {
      let expected: string | undefined;
      try {
        expected = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        expected = undefined;
      }
      expect(decodeUtf8(bytes)).toBe(expected);
    },
  );

  it.each(['c080', 'e0809f', 'eda080', 'f4908080', 'f08080af', 'ff', 'c3', 'e282'])(
    'refuses %s',
    (hex) => {
      expect(decodeUtf8(hexToBytes(hex) as Uint8Array)).toBeUndefined();
    },
  );

  it('decodes texts longer than one chunk', () => {
    const text = 'aé€😀'.repeat(5000);
    expect(decodeUtf8(encodeUtf8(text))).toBe(text);
  });
});

describe('leb128', () => {
  test.prop([fc.bigInt({ min: 0n, max: (1n << 200n) - 1n })])('unsigned round trip', (value) => {
    const bytes = encodeUleb128(value);
    expect(decodeUleb128(bytes)).toEqual({ value, next: bytes.length });
    expect(decodeUleb128(bytes, 0, bytes.length - 1)).toBeUndefined();
  });

  test.prop([fc.bigInt({ min: -(1n << 200n), max: 1n << 200n })])('signed round trip', (value) => {
    const bytes = encodeSleb128(value);
    expect(decodeSleb128(bytes)).toEqual({ value, next: bytes.length });
  });

  it('matches the textbook values', () => {
    expect(bytesToHex(encodeUleb128(624_485n))).toBe('e58e26');
    expect(bytesToHex(encodeSleb128(-123_456n))).toBe('c0bb78');
  });
});

describe('prng', () => {
  it('is ChaCha20: RFC 8439 key stream of the zero key', () => {
    // RFC 8439 appendix A.1, test vector 1.
    expect(bytesToHex(createPrng(new Uint8Array(32)).bytes(32))).toBe(
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7',
    );
  });

  it('repeats for a seed and differs between seeds and forks', () => {
    const first = createPrng('a').bytes(32);
    expect(createPrng('a').bytes(32)).toEqual(first);
    expect(createPrng('b').bytes(32)).not.toEqual(first);
    expect(createPrng('a').fork('x').bytes(32)).not.toEqual(createPrng('a').fork('y').bytes(32));
    const drawn = createPrng('a');
    drawn.u32();
    expect(drawn.fork('x').bytes(8)).toEqual(createPrng('a').fork('x').bytes(8));
  });

  test.prop([fc.string(), fc.integer({ min: 1, max: 1000 })])('below stays below', (seed, n) => {
    const prng = createPrng(seed);
    for (let i = 0; i < 20; i += 1) {
      const value = prng.below(n);
      expect(value >= 0 && value < n).toBe(true);
    }
  });

  it('shuffles into permutations and keeps its odds', () => {
    const prng = createPrng('odds');
    expect(prng.shuffle([1, 2, 3, 4, 5]).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    let hits = 0;
    for (let i = 0; i < 10_000; i += 1) {
      hits += prng.chance(1, 4) ? 1 : 0;
    }
    expect(hits).toBeGreaterThan(2300);
    expect(hits).toBeLessThan(2700);
  });
});

describe('bounded queue and cache', () => {
  test.prop([fc.array(fc.option(fc.integer(), { nil: undefined }))])(
    'behaves as a bounded list',
    (steps) => {
      const queue = createBoundedQueue<number>(3);
      const model: number[] = [];
      for (const step of steps) {
        if (step === undefined) {
          expect(queue.poll()).toBe(model.shift());
        } else {
          expect(queue.offer(step)).toBe(model.length < 3);
          if (model.length < 3) {
            model.push(step);
          }
        }
        expect(queue.size).toBe(model.length);
        expect(queue.peek()).toBe(model[0]);
      }
      expect(queue.drain()).toEqual(model);
    },
  );

  it('forgets the least recently used', () => {
    const cache = createLru<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([
      1,
      undefined,
      3,
      2,
    ]);
  });
});

describe('order', () => {
  test.prop([fc.uint8Array(), fc.uint8Array()])('hex text order equals byte order', (a, b) => {
    expect(Math.sign(compareText(bytesToHex(a), bytesToHex(b)))).toBe(
      Math.sign(compareBytes(a, b)),
    );
  });
});
