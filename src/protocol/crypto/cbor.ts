import { compareBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { decodeUtf8 } from '../../base/utf8.ts';

export { encodeCbor } from './cbor-encode.ts';
export type { CborInput, CborRecord } from './cbor-encode.ts';

/**
 * A decoded item. Integers are `number` while they are safe and `bigint` beyond; use `asNat` or
 * `asSafeNat` instead of looking at the type. Byte strings are copies, never views of the input.
 */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | CborMap;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
/** Byte-string keys appear as `h'…'` with lower-case hex, which no text key of the IC begins with. */
export type CborKey = string | number | bigint;

export type CborErrorCode =
  | 'CBOR_TRUNCATED'
  | 'CBOR_TRAILING_BYTES'
  | 'CBOR_TOO_DEEP'
  | 'CBOR_TOO_LARGE'
  | 'CBOR_DUPLICATE_KEY'
  | 'CBOR_INVALID_UTF8'
  | 'CBOR_UNSUPPORTED'
  | 'CBOR_NOT_CANONICAL';
export type CborError = CodedError<CborErrorCode>;

export interface CborLimits {
  readonly maxBytes?: number;
  /** Nesting of arrays and maps. */
  readonly maxDepth?: number;
  /** Items of all kinds, together. */
  readonly maxItems?: number;
  /** Refuse what our own encoder would not have written: long forms, unsorted keys, tags, undefined. */
  readonly canonical?: boolean;
}

/** Room for the largest ingress message (3.5 MiB) and block payload (4 MiB) with their envelopes. */
export const DEFAULT_CBOR_MAX_BYTES = 8 * 1024 * 1024;
export const DEFAULT_CBOR_MAX_DEPTH = 64;
export const DEFAULT_CBOR_MAX_ITEMS = 1_000_000;
const SELF_DESCRIBED = 55_799;
const SHORT_STRING_BYTES = 128;
/** The smallest argument that needs 1, 2, 4 and 8 bytes. */
const LEAST_OF_INFO: readonly number[] = [24, 0x1_00, 0x1_00_00, 0x1_00_00_00_00];

interface Reader {
  readonly bytes: Uint8Array;
  readonly maxDepth: number;
  readonly canonical: boolean;
  itemsLeft: number;
  offset: number;
  error: CborError | undefined;
}

function fail(reader: Reader, code: CborErrorCode, what: string): undefined {
  const kind = code === 'CBOR_TOO_DEEP' || code === 'CBOR_TOO_LARGE' ? 'limit' : 'input';
  reader.error ??= codedError(kind, code, `CBOR at byte ${String(reader.offset)}: ${what}`);
  return undefined;
}

/** Argument of an initial byte; undefined after a failure. */
function readArgument(reader: Reader, info: number): number | bigint | undefined {
  if (info < 24) {
    return info;
  }
  if (info > 27) {
    return fail(reader, 'CBOR_UNSUPPORTED', 'indefinite or reserved length');
  }
  const width = 1 << (info - 24);
  const { bytes, offset } = reader;
  if (offset + width > bytes.length) {
    return fail(reader, 'CBOR_TRUNCATED', 'length or integer cut off');
  }
  reader.offset = offset + width;
  let value: number | bigint = 0;
  for (let i = offset; i < offset + width; i += 1) {
    value = value * 256 + (bytes[i] as number);
  }
  if (value > Number.MAX_SAFE_INTEGER) {
    // The sum is rounded; only eight bytes can get here.
    value = new DataView(bytes.buffer, bytes.byteOffset + offset, width).getBigUint64(0);
  }
  if (reader.canonical && value < (LEAST_OF_INFO[info - 24] as number)) {
    return fail(reader, 'CBOR_NOT_CANONICAL', 'longer form than needed');
  }
  return value;
}

function readString(reader: Reader, length: number | bigint): Uint8Array | undefined {
  if (length > reader.bytes.length - reader.offset) {
    return fail(reader, 'CBOR_TRUNCATED', 'string cut off');
  }
  const count = Number(length);
  const copy = new Uint8Array(count);
  if (count <= SHORT_STRING_BYTES) {
    // Most strings are hashes and signatures: a loop beats the views that a bulk copy needs.
    for (let i = 0; i < count; i += 1) {
      copy[i] = reader.bytes[reader.offset + i] as number;
    }
  } else {
    copy.set(reader.bytes.subarray(reader.offset, reader.offset + count));
  }
  reader.offset += count;
  return copy;
}

function readText(reader: Reader, length: number | bigint): string | undefined {
  const raw = readString(reader, length);
  if (raw === undefined) {
    return undefined;
  }
  return decodeUtf8(raw) ?? fail(reader, 'CBOR_INVALID_UTF8', 'text is not UTF-8');
}

function hasRoomFor(reader: Reader, items: number | bigint, depth: number): boolean {
  if (depth >= reader.maxDepth) {
    fail(reader, 'CBOR_TOO_DEEP', `nested deeper than ${String(reader.maxDepth)}`);
    return false;
  }
  // Every item takes a byte at least: refuse before allocating.
  if (items > reader.bytes.length - reader.offset) {
    fail(reader, 'CBOR_TRUNCATED', 'more items announced than bytes left');
    return false;
  }
  return true;
}

function readArray(
  reader: Reader,
  length: number | bigint,
  depth: number,
): CborValue[] | undefined {
  if (!hasRoomFor(reader, length, depth)) {
    return undefined;
  }
  const items: CborValue[] = [];
  const count = Number(length);
  for (let i = 0; i < count; i += 1) {
    const item = readItem(reader, depth + 1);
    if (item === undefined) {
      return undefined;
    }
    items.push(item);
  }
  return items;
}

function keyOf(reader: Reader, value: CborValue): CborKey | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return value;
  }
  if (value instanceof Uint8Array) {
    return `h'${bytesToHex(value)}'`;
  }
  return fail(reader, 'CBOR_UNSUPPORTED', 'map key is neither text, bytes nor integer');
}

function readMap(reader: Reader, length: number | bigint, depth: number): CborMap | undefined {
  if (!hasRoomFor(reader, typeof length === 'bigint' ? length * 2n : length * 2, depth)) {
    return undefined;
  }
  const map = new Map<CborKey, CborValue>();
  const count = Number(length);
  let previous: Uint8Array | undefined;
  for (let i = 0; i < count; i += 1) {
    const start = reader.offset;
    const item = readItem(reader, depth + 1);
    const key = item === undefined ? undefined : keyOf(reader, item);
    if (key === undefined) {
      return undefined;
    }
    if (map.has(key)) {
      return fail(reader, 'CBOR_DUPLICATE_KEY', 'map key appears twice');
    }
    if (reader.canonical) {
      const encoded = reader.bytes.subarray(start, reader.offset);
      if (previous !== undefined && compareBytes(previous, encoded) >= 0) {
        return fail(reader, 'CBOR_NOT_CANONICAL', 'map keys out of order');
      }
      previous = encoded;
    }
    const value = readItem(reader, depth + 1);
    if (value === undefined) {
      return undefined;
    }
    map.set(key, value);
  }
  return map;
}

function readSimple(reader: Reader, info: number): boolean | null | undefined {
  if (info === 20 || info === 21) {
    return info === 21;
  }
  // Clients write `undefined` (23) for absent options; it reads as null.
  if (info === 22 || (info === 23 && !reader.canonical)) {
    return null;
  }
  return fail(reader, 'CBOR_UNSUPPORTED', 'float or unknown simple value');
}

/** -1 − argument; bigint when beyond the safe range. */
function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) {
    return -1 - argument;
  }
  const value = -1n - BigInt(argument);
  return value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : value;
}

function readItem(reader: Reader, depth: number): CborValue | undefined {
  reader.itemsLeft -= 1;
  if (reader.itemsLeft < 0) {
    return fail(reader, 'CBOR_TOO_LARGE', 'too many items');
  }
  const initial = reader.bytes[reader.offset];
  if (initial === undefined) {
    return fail(reader, 'CBOR_TRUNCATED', 'item missing');
  }
  reader.offset += 1;
  const major = initial >> 5;
  const info = initial & 0x1f;
  if (major === 7) {
    return readSimple(reader, info);
  }
  const argument = readArgument(reader, info);
  if (argument === undefined) {
    return undefined;
  }
  switch (major) {
    case 0:
      return argument;
    case 1:
      return negative(argument);
    case 2:
      return readString(reader, argument);
    case 3:
      return readText(reader, argument);
    case 4:
      return readArray(reader, argument, depth);
    case 5:
      return readMap(reader, argument, depth);
    default:
      return readTagged(reader, argument, depth);
  }
}

function readTagged(reader: Reader, tag: number | bigint, depth: number): CborValue | undefined {
  if (tag !== SELF_DESCRIBED || depth !== 0 || reader.offset !== 3 || reader.canonical) {
    return fail(reader, 'CBOR_UNSUPPORTED', `tag ${String(tag)} here`);
  }
  return readItem(reader, 0);
}

/**
 * Strict, bounded CBOR of hostile bytes: one item and nothing after it. Accepted: integers of 64
 * bits, byte and text strings, arrays, maps (keys text, bytes or integer, each once), booleans,
 * null, and the self-described tag 55799 in front. Refused: floats, indefinite lengths, other tags.
 */
export function decodeCbor(
  bytes: Uint8Array,
  limits: CborLimits = {},
): Result<CborValue, CborError> {
  const maxBytes = limits.maxBytes ?? DEFAULT_CBOR_MAX_BYTES;
  if (bytes.length > maxBytes) {
    return err(
      codedError('limit', 'CBOR_TOO_LARGE', `CBOR of more than ${String(maxBytes)} bytes`),
    );
  }
  const reader: Reader = {
    bytes,
    maxDepth: limits.maxDepth ?? DEFAULT_CBOR_MAX_DEPTH,
    canonical: limits.canonical ?? false,
    itemsLeft: limits.maxItems ?? DEFAULT_CBOR_MAX_ITEMS,
    offset: 0,
    error: undefined,
  };
  const value = readItem(reader, 0);
  if (value !== undefined && reader.offset !== bytes.length) {
    fail(reader, 'CBOR_TRAILING_BYTES', 'bytes after the item');
  }
  if (reader.error !== undefined || value === undefined) {
    return err(reader.error ?? codedError('input', 'CBOR_TRUNCATED', 'CBOR item missing'));
  }
  return ok(value);
}

/** Typed readers: undefined when the item is absent or of another type. */
export function asBytes(value: CborValue | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}

export function asText(value: CborValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** An unsigned integer below 2^64. */
export function asNat(value: CborValue | undefined): bigint | undefined {
  const integer = typeof value === 'number' || typeof value === 'bigint';
  return integer && value >= 0 ? BigInt(value) : undefined;
}

/** An unsigned integer below 2^53, as a number. */
export function asSafeNat(value: CborValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

export function asArray(value: CborValue | undefined): readonly CborValue[] | undefined {
  return Array.isArray(value) ? (value as readonly CborValue[]) : undefined;
}

export function asMap(value: CborValue | undefined): CborMap | undefined {
  return value instanceof Map ? (value as CborMap) : undefined;
}
