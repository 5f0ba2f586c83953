import { compareBytes, concatBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { encodeSleb128, encodeUleb128 } from '../../base/leb128.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { MessageId } from '../types/ids.ts';
import type { CborValue } from './cbor.ts';
import { asMap } from './cbor.ts';
import { domainSeparated } from './domain.ts';
import { sha256 } from './sha256.ts';

/** What the representation-independent hash covers (interface specification, "Representation-independent hashing of structured data"). */
export type HashableValue =
  | string
  | Uint8Array
  | number
  | bigint
  | readonly HashableValue[]
  | HashableMap;
export interface HashableMap {
  readonly [field: string]: HashableValue | undefined;
}

function isList(value: HashableValue): value is readonly HashableValue[] {
  return Array.isArray(value);
}

/** Text: its UTF-8; naturals: ULEB128; negative integers: SLEB128; arrays: the elements' hashes; maps: `hashOfMap`. */
export function hashOfValue(value: HashableValue): Uint8Array {
  if (typeof value === 'string') {
    return sha256(encodeUtf8(value));
  }
  if (value instanceof Uint8Array) {
    return sha256(value);
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return sha256(value < 0 ? encodeSleb128(value) : encodeUleb128(value));
  }
  if (isList(value)) {
    return sha256(...value.map(hashOfValue));
  }
  return hashOfMap(value);
}

/** Hashed once: nearly every request has these fields. */
const FIELD_HASHES: ReadonlyMap<string, Uint8Array> = new Map(
  [
    'arg',
    'canister_id',
    'ingress_expiry',
    'method_name',
    'nonce',
    'paths',
    'reply',
    'request_id',
    'request_type',
    'sender',
    'status',
    'timestamp',
  ].map((field) => [field, sha256(encodeUtf8(field))]),
);

function hashOfField(field: string): Uint8Array {
  return FIELD_HASHES.get(field) ?? sha256(encodeUtf8(field));
}

/** SHA-256 of the sorted H(name)·H(value) pairs; undefined fields don't exist. 32 bytes. */
export function hashOfMap(map: HashableMap): Uint8Array {
  const pairs: Uint8Array[] = [];
  for (const [field, value] of Object.entries(map)) {
    if (value !== undefined) {
      pairs.push(concatBytes(hashOfField(field), hashOfValue(value)));
    }
  }
  pairs.sort(compareBytes);
  return sha256(...pairs);
}

export type UnhashableError = CodedError<'UNHASHABLE_CONTENT'>;

const unhashable = codedError(
  'input',
  'UNHASHABLE_CONTENT',
  'Content holds something besides text, bytes, integers, arrays and maps with text keys.',
);

function hashOfCborValue(value: CborValue): Uint8Array | undefined {
  if (value === null || typeof value === 'boolean') {
    return undefined;
  }
  if (typeof value !== 'object' || value instanceof Uint8Array) {
    return hashOfValue(value);
  }
  const map = asMap(value);
  if (map !== undefined) {
    const pairs: Uint8Array[] = [];
    for (const [field, item] of map) {
      const hash = typeof field === 'string' ? hashOfCborValue(item) : undefined;
      if (hash === undefined) {
        return undefined;
      }
      pairs.push(concatBytes(hashOfField(field as string), hash));
    }
    return sha256(...pairs.sort(compareBytes));
  }
  const hashes: Uint8Array[] = [];
  for (const item of value as readonly CborValue[]) {
    const hash = hashOfCborValue(item);
    if (hash === undefined) {
      return undefined;
    }
    hashes.push(hash);
  }
  return sha256(...hashes);
}

/** The request id of a decoded `content` map, 32 bytes: every field counts, known or not. */
export function requestIdOfContent(content: CborValue): Result<Uint8Array, UnhashableError> {
  const hash = asMap(content) === undefined ? undefined : hashOfCborValue(content);
  return hash === undefined ? err(unhashable) : ok(hash);
}

export function messageIdOf(requestId: Uint8Array): MessageId {
  return bytesToHex(requestId) as MessageId;
}

/** What a user signs for a request. */
export function requestSigningBytes(requestId: Uint8Array): Uint8Array {
  return domainSeparated('request', requestId);
}
