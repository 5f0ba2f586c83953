import { MAX_SUBNET_NODES } from './consensus.ts';

/**
 * Bytes of a dealing's content. The largest `feldman` one: 2 counts, an ephemeral key and its
 * proof, a 96-byte coefficient and a 32-byte piece for each node of the largest subnet.
 * @playground the IC's dealings carry chunked ciphertexts and proofs and are far larger.
 */
export const MAX_DEALING_BYTES = 2 + 96 + 64 + MAX_SUBNET_NODES * (96 + 32);

/**
 * Bytes of a complaint's content: a shared point and a proof.
 * @playground the IC's dealings are publicly verifiable and need no complaints.
 */
export const MAX_COMPLAINT_BYTES = 96 + 64;

/**
 * Part of an interval in whose blocks dealings count; in the rest receivers complain.
 * @playground the IC's dealings are publicly verifiable: they count in every data block.
 */
export const DEALING_WINDOW_SHARE = { numerator: 2, denominator: 3 } as const;

/** Data blocks left for complaints after the window; a shorter interval deals no keys at all. */
export const MIN_COMPLAINT_HEIGHTS = 3;

/** How many times over the dealings of an interval must fit its window: some makers leave them out. */
export const DEALING_CAPACITY_FACTOR = 2;
