import { assert } from './assert.ts';
import { encodeUtf8 } from './utf8.ts';

/**
 * A seeded, deterministic generator for simulation choices, test data and protocol shuffles.
 * Not a source of secrets: whoever knows the seed knows every output.
 */
export interface Prng {
  /** An independent generator for a component: depends on seed and label, not on draws so far. */
  fork(label: string): Prng;
  /** Uniform in 0 … 2^32 − 1. */
  u32(): number;
  /** Uniform in 0 … n − 1, without modulo bias; n in 1 … 2^32. */
  below(n: number): number;
  /** True with probability num/den. */
  chance(num: number, den: number): boolean;
  bytes(n: number): Uint8Array;
  /** A shuffled copy (Fisher–Yates from the end). */
  shuffle<T>(list: readonly T[]): T[];
}

const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const ROUND_PAIRS = 10;
const NO_NONCE = [0, 0] as const;
const TWO_POW_32 = 0x1_00_00_00_00;

function quarterRound(s: Uint32Array, a: number, b: number, c: number, d: number): void {
  let va = s[a] as number;
  let vb = s[b] as number;
  let vc = s[c] as number;
  let vd = s[d] as number;
  va = (va + vb) | 0;
  vd ^= va;
  vd = (vd << 16) | (vd >>> 16);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb << 12) | (vb >>> 20);
  va = (va + vb) | 0;
  vd ^= va;
  vd = (vd << 8) | (vd >>> 24);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb << 7) | (vb >>> 25);
  s[a] = va;
  s[b] = vb;
  s[c] = vc;
  s[d] = vd;
}

/** One ChaCha20 block (RFC 8439 §2.3) of key, 64-bit counter and 64-bit nonce, as 16 words. */
function chachaBlock(
  key: Uint32Array,
  counter: number,
  nonce: readonly [number, number],
): Uint32Array {
  const input = new Uint32Array(16);
  input.set(CONSTANTS, 0);
  input.set(key, 4);
  input[12] = counter >>> 0;
  input[13] = Math.floor(counter / TWO_POW_32);
  input[14] = nonce[0];
  input[15] = nonce[1];
  const s = input.slice();
  for (let i = 0; i < ROUND_PAIRS; i += 1) {
    quarterRound(s, 0, 4, 8, 12);
    quarterRound(s, 1, 5, 9, 13);
    quarterRound(s, 2, 6, 10, 14);
    quarterRound(s, 3, 7, 11, 15);
    quarterRound(s, 0, 5, 10, 15);
    quarterRound(s, 1, 6, 11, 12);
    quarterRound(s, 2, 7, 8, 13);
    quarterRound(s, 3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i += 1) {
    s[i] = (s[i] as number) + (input[i] as number);
  }
  return s;
}

/** Folds any number of bytes into a 256-bit key: each 32-byte chunk is mixed in and run through the permutation. */
function absorb(start: Uint32Array, bytes: Uint8Array): Uint32Array {
  let key = start;
  const chunks = Math.floor(bytes.length / 32) + 1;
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const mixed = key.slice();
    for (let i = 0; i < 32; i += 1) {
      const byte = bytes[chunk * 32 + i] ?? 0;
      mixed[i >> 2] = (mixed[i >> 2] as number) ^ (byte << (8 * (i & 3)));
    }
    key = chachaBlock(mixed, chunk, [bytes.length, 0x61_62_73]).slice(0, 8);
  }
  return key;
}

function fromKey(key: Uint32Array): Prng {
  let counter = 0;
  let block: Uint32Array = new Uint32Array(0);
  let used = 0;

  const u32 = (): number => {
    if (used === block.length) {
      block = chachaBlock(key, counter, NO_NONCE);
      counter += 1;
      used = 0;
    }
    const word = block[used] as number;
    used += 1;
    return word;
  };

  const below = (n: number): number => {
    assert(Number.isInteger(n) && n >= 1 && n <= TWO_POW_32, 'below takes an integer in 1 … 2^32');
    const unbiased = TWO_POW_32 - (TWO_POW_32 % n);
    let word = u32();
    while (word >= unbiased) {
      word = u32();
    }
    return word % n;
  };

  return {
    fork: (label) => fromKey(absorb(key, encodeUtf8(`fork:${label}`))),
    u32,
    below,
    chance(num, den) {
      assert(Number.isInteger(num) && num >= 0, 'a chance has a natural numerator');
      return below(den) < num;
    },
    bytes(n) {
      const out = new Uint8Array(n);
      for (let i = 0; i < n; i += 4) {
        const word = u32();
        for (let k = 0; k < 4 && i + k < n; k += 1) {
          out[i + k] = word >>> (8 * k);
        }
      }
      return out;
    },
    shuffle<T>(list: readonly T[]): T[] {
      const shuffled = list.slice();
      for (let i = shuffled.length - 1; i > 0; i -= 1) {
        const j = below(i + 1);
        const swapped = shuffled[i] as T;
        shuffled[i] = shuffled[j] as T;
        shuffled[j] = swapped;
      }
      return shuffled;
    },
  };
}

/** A generator over ChaCha20 blocks, from a text or bytes of any length. A 32-byte seed is the ChaCha20 key itself. */
export function createPrng(seed: Uint8Array | string): Prng {
  const bytes = typeof seed === 'string' ? encodeUtf8(seed) : seed;
  if (typeof seed !== 'string' && bytes.length === 32) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
    return fromKey(Uint32Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, true)));
  }
  return fromKey(absorb(new Uint32Array(8), bytes));
}
