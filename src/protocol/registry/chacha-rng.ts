import { assert } from '../../base/assert.ts';

/**
 * The ChaCha20 random number generator of Rust's `rand_chacha` (key = seed, nonce 0, 64-bit
 * counter, words in little-endian order) and the sampling of `rand` 0.8: the IC draws committees
 * and block maker ranks with exactly these. Upstream: rs/crypto/prng.
 */
export interface ChaChaRng {
  nextU32(): number;
  /** Uniform in [0, bound). */
  below(bound: number): number;
}

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const DOUBLE_ROUNDS = 10;
const WORDS = 16;

/** @param seed 32 bytes. */
export function createChaChaRng(seed: Uint8Array): ChaChaRng {
  assert(seed.length === 32, 'a ChaCha20 seed has 32 bytes');
  const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength);
  const input = new Uint32Array(WORDS);
  input.set(SIGMA, 0);
  for (let i = 0; i < 8; i += 1) {
    input[4 + i] = view.getUint32(4 * i, true);
  }
  const block = new Uint32Array(WORDS);
  let used = WORDS;

  const nextU32 = (): number => {
    if (used === WORDS) {
      chachaBlock(input, block);
      input[12] = (input[12] as number) + 1;
      if (input[12] === 0) {
        input[13] = (input[13] as number) + 1;
      }
      used = 0;
    }
    const word = block[used] as number;
    used += 1;
    return word;
  };
  const below = (bound: number): number => {
    assert(Number.isInteger(bound) && bound > 0 && bound < 2 ** 32, 'bound is a positive u32');
    // Rejection zone of rand's sample_single for u32: shift the range left as far as it goes.
    const zone = ((bound << Math.clz32(bound)) >>> 0) - 1;
    for (;;) {
      const product = BigInt(nextU32()) * BigInt(bound);
      if (Number(product & 0xff_ff_ff_ffn) <= zone) {
        return Number(product >> 32n);
      }
    }
  };
  return { nextU32, below };
}

/** Fisher-Yates from the end, as `SliceRandom::shuffle`; returns a new list. */
export function shuffle<T>(items: readonly T[], rng: ChaChaRng): readonly T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const j = rng.below(i + 1);
    const last = shuffled[i] as T;
    shuffled[i] = shuffled[j] as T;
    shuffled[j] = last;
  }
  return shuffled;
}

function chachaBlock(input: Uint32Array, output: Uint32Array): void {
  output.set(input);
  for (let i = 0; i < DOUBLE_ROUNDS; i += 1) {
    quarterRound(output, 0, 4, 8, 12);
    quarterRound(output, 1, 5, 9, 13);
    quarterRound(output, 2, 6, 10, 14);
    quarterRound(output, 3, 7, 11, 15);
    quarterRound(output, 0, 5, 10, 15);
    quarterRound(output, 1, 6, 11, 12);
    quarterRound(output, 2, 7, 8, 13);
    quarterRound(output, 3, 4, 9, 14);
  }
  for (let i = 0; i < WORDS; i += 1) {
    output[i] = (output[i] as number) + (input[i] as number);
  }
}

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  mix(x, a, b, d, 16);
  mix(x, c, d, b, 12);
  mix(x, a, b, d, 8);
  mix(x, c, d, b, 7);
}

/** x[a] += x[b]; x[c] = rotl(x[c] ^ x[a], bits). */
function mix(x: Uint32Array, a: number, b: number, c: number, bits: number): void {
  x[a] = (x[a] as number) + (x[b] as number);
  const word = (x[c] as number) ^ (x[a] as number);
  x[c] = (word << bits) | (word >>> (32 - bits));
}
