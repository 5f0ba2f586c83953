import { sha224 as nobleSha224, sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** One hasher serves all calls: making one costs as much as hashing a short message. */
const BLANK = nobleSha256.create();
const hasher = nobleSha256.create();

/** SHA-256 of the concatenation of the parts, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  BLANK._cloneInto(hasher);
  for (const part of parts) {
    hasher.update(part);
  }
  return hasher.digest();
}

/** SHA-224, 28 bytes: the body of self-authenticating principals. */
export function sha224(bytes: Uint8Array): Uint8Array {
  return nobleSha224(bytes);
}
