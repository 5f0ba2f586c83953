import { bytesToHex } from '../../base/hex.ts';
import { sha256 } from '../crypto/sha256.ts';
import { hashToBytes } from '../types/block-codec.ts';
import type { HashHex } from '../types/ids.ts';

/** Another hash than the true one, the same for every liar: colluding nodes agree on their lie. */
export function wrongHash(hash: HashHex): HashHex {
  return bytesToHex(sha256(hashToBytes(hash))) as HashHex;
}
