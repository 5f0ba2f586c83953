import { MAX_SUBNET_NODES } from './consensus.ts';

/**
 * Bytes of a dealing's content. The largest `feldman` one: 2 counts, an ephemeral key and its
 * proof, a 96-byte coefficient and a 32-byte piece for each node of the largest subnet.
 */
export const MAX_DEALING_BYTES = 2 + 96 + 64 + MAX_SUBNET_NODES * (96 + 32);

/** Bytes of a complaint's content: a shared point and a proof. */
export const MAX_COMPLAINT_BYTES = 96 + 64;
