import { assert } from '../../base/assert.ts';
import { concatBytes } from '../../base/bytes.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import type { CanisterId, NodeId, PrincipalId, SubnetId } from '../types/ids.ts';
import { crc32 } from './crc32.ts';
import { sha224 } from './sha256.ts';

export const MAX_PRINCIPAL_BYTES = 29;
/** `aaaaa-aa`, the empty principal. */
export const MANAGEMENT_CANISTER_ID = '' as CanisterId;
/** `rkp4c-7iaaa-aaaaa-aaaca-cai`, the one canister that may make cycles. */
export const CYCLES_MINTING_CANISTER_ID = '00000000000000040101' as CanisterId;
/** `2vxsx-fae`. */
export const ANONYMOUS_PRINCIPAL = '04' as PrincipalId;

export type PrincipalError = CodedError<'INVALID_PRINCIPAL'>;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const U64_LIMIT = 1n << 64n;

/** Base32 of RFC 4648 in lower case without padding. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    buffer = ((buffer << 8) | (bytes[i] as number)) & 0xff_ff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(buffer >> bits) & 0x1f] as string;
    }
  }
  return bits === 0 ? text : text + (ALPHABET[(buffer << (5 - bits)) & 0x1f] as string);
}

/** Undefined for a character outside the lower-case alphabet. Left-over bits are ignored. */
export function decodeBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) {
      return undefined;
    }
    buffer = ((buffer << 5) | value) & 0xff_ff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

/** Undefined when longer than 29 bytes. */
export function principalFromBytes(bytes: Uint8Array): PrincipalId | undefined {
  return bytes.length > MAX_PRINCIPAL_BYTES ? undefined : (bytesToHex(bytes) as PrincipalId);
}

export function principalToBytes(id: PrincipalId): Uint8Array {
  const bytes = hexToBytes(id);
  assert(bytes !== undefined, 'a principal id is hex');
  return bytes;
}

/** The text form: CRC-32 in front, base32, a dash after every five characters. */
export function principalToText(id: PrincipalId): string {
  const bytes = principalToBytes(id);
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, crc32(bytes));
  const groups = encodeBase32(concatBytes(checksum, bytes)).match(/.{1,5}/g) ?? [];
  return groups.join('-');
}

/** Only the canonical text is accepted: lower case, dashes in place, right checksum. */
export function principalFromText(text: string): Result<PrincipalId, PrincipalError> {
  const invalid = (why: string): Result<PrincipalId, PrincipalError> =>
    err(codedError('input', 'INVALID_PRINCIPAL', `Not a principal: ${why}.`));
  if (text.length > 63) {
    return invalid('too long');
  }
  const raw = decodeBase32(text.replaceAll('-', ''));
  if (raw === undefined || raw.length < 4) {
    return invalid('not base32 with a checksum');
  }
  const id = principalFromBytes(raw.slice(4));
  if (id === undefined) {
    return invalid('more than 29 bytes');
  }
  return principalToText(id) === text ? ok(id) : invalid('wrong checksum or spelling');
}

/** SHA-224 of the DER public key and 0x02: users, nodes and subnets. */
export function selfAuthenticatingId(publicKeyDer: Uint8Array): PrincipalId {
  return bytesToHex(concatBytes(sha224(publicKeyDer), Uint8Array.of(0x02))) as PrincipalId;
}

export function nodeIdOfKey(nodePublicKeyDer: Uint8Array): NodeId {
  return selfAuthenticatingId(nodePublicKeyDer) as NodeId;
}

export function subnetIdOfKey(subnetPublicKeyDer: Uint8Array): SubnetId {
  return selfAuthenticatingId(subnetPublicKeyDer) as SubnetId;
}

/** Canister number n as its id: u64 big endian, 01, 01. */
export function canisterIdFromU64(n: bigint): CanisterId {
  assert(n >= 0n && n < U64_LIMIT, 'a canister number fits 64 bits');
  return `${n.toString(16).padStart(16, '0')}0101` as CanisterId;
}

/** The number of an allocated canister id; undefined for any other principal. */
export function canisterIdToU64(id: PrincipalId): bigint | undefined {
  return id.length === 20 && id.endsWith('0101') ? BigInt(`0x${id.slice(0, 16)}`) : undefined;
}
