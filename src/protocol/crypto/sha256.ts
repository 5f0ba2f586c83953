import { sha224 as nobleSha224, sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** SHA-256 of the concatenation of the parts, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) {
    return nobleSha256(parts[0] as Uint8Array);
  }
  const hash = nobleSha256.create();
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest();
}

/** SHA-224, 28 bytes: the body of self-authenticating principals. */
export function sha224(bytes: Uint8Array): Uint8Array {
  return nobleSha224(bytes);
}
