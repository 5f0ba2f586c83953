import { assert } from './assert.ts';

/** A decoded integer and the offset of the byte behind it. */
export interface Leb128Value {
  readonly value: bigint;
  readonly next: number;
}

/** Enough for any 1,024-bit integer; Candid values beyond it are refused. */
export const DEFAULT_MAX_LEB128_BYTES = 147;

/** Unsigned LEB128. */
export function encodeUleb128(value: bigint | number): Uint8Array {
  let rest = BigInt(value);
  assert(rest >= 0n, 'unsigned LEB128 takes no negative value');
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

/** Signed LEB128. */
export function encodeSleb128(value: bigint | number): Uint8Array {
  let rest = BigInt(value);
  const bytes: number[] = [];
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const signBit = (low & 0x40) !== 0;
    if ((rest === 0n && !signBit) || (rest === -1n && signBit)) {
      bytes.push(low);
      return Uint8Array.from(bytes);
    }
    bytes.push(low | 0x80);
  }
}

interface RawGroups {
  readonly value: bigint;
  readonly bits: bigint;
  readonly lastByte: number;
  readonly next: number;
}

function readGroups(bytes: Uint8Array, offset: number, maxBytes: number): RawGroups | undefined {
  let value = 0n;
  let bits = 0n;
  for (let i = 0; i < maxBytes; i += 1) {
    const byte = bytes[offset + i];
    if (byte === undefined) {
      return undefined;
    }
    value |= BigInt(byte & 0x7f) << bits;
    bits += 7n;
    if ((byte & 0x80) === 0) {
      return { value, bits, lastByte: byte, next: offset + i + 1 };
    }
  }
  return undefined;
}

/** Unsigned LEB128 of at most `maxBytes` bytes at `offset`; undefined when truncated or longer. Padding is accepted. */
export function decodeUleb128(
  bytes: Uint8Array,
  offset = 0,
  maxBytes = DEFAULT_MAX_LEB128_BYTES,
): Leb128Value | undefined {
  const groups = readGroups(bytes, offset, maxBytes);
  return groups === undefined ? undefined : { value: groups.value, next: groups.next };
}

/** Signed LEB128 of at most `maxBytes` bytes at `offset`; undefined when truncated or longer. */
export function decodeSleb128(
  bytes: Uint8Array,
  offset = 0,
  maxBytes = DEFAULT_MAX_LEB128_BYTES,
): Leb128Value | undefined {
  const groups = readGroups(bytes, offset, maxBytes);
  if (groups === undefined) {
    return undefined;
  }
  const negative = (groups.lastByte & 0x40) !== 0;
  return { value: negative ? groups.value - (1n << groups.bits) : groups.value, next: groups.next };
}
