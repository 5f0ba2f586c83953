import { ed25519 } from '@noble/curves/ed25519.js';
import { assert } from '../../base/assert.ts';
import type { BasicBackend } from './suite.ts';
import { ED25519_SIGNATURE_BYTES } from './suite.ts';

/** Length of secret and public keys. */
export const ED25519_KEY_BYTES = 32;

/**
 * Ed25519 with noble's ZIP-215 rule. Every node must judge a crafted signature alike, so no other
 * verifier may be used inside a subnet.
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) {
    return false;
  }
  try {
    return ed25519.verify(signature, message, publicKey);
  } catch {
    return false;
  }
}

export const ed25519Backend: BasicBackend = {
  publicKey(secretKey) {
    assert(secretKey.length === ED25519_KEY_BYTES, 'an Ed25519 secret key has 32 bytes');
    return ed25519.getPublicKey(secretKey);
  },
  sign(secretKey, message) {
    assert(secretKey.length === ED25519_KEY_BYTES, 'an Ed25519 secret key has 32 bytes');
    return ed25519.sign(message, secretKey);
  },
  verify: verifyEd25519,
};
