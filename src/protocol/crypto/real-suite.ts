import { createNobleBls } from './bls-noble.ts';
import { ed25519Backend } from './ed25519.ts';
import type { CryptoSuite } from './suite.ts';

/** BLS12-381 and Ed25519: what every node outside tests uses. Each call has caches of its own. */
export function createRealSuite(): CryptoSuite {
  return { name: 'bls12-381', bls: createNobleBls(), basic: ed25519Backend };
}
