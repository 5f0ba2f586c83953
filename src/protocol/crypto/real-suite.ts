import { createNobleBls } from './bls-noble.ts';
import { ed25519Backend } from './ed25519.ts';
import type { CryptoSuite } from './suite.ts';

/**
 * BLS12-381 and Ed25519 on noble: the reference, and what runs where Wasm does not. Workers take
 * another backend with the same bytes when they can. Each call has caches of its own.
 */
export function createRealSuite(): CryptoSuite {
  return { name: 'bls12-381', bls: createNobleBls(), basic: ed25519Backend };
}
