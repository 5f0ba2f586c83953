import {
  MAX_CANDID_DEPTH,
  MAX_CANDID_FIELDS,
  MAX_CANDID_STEPS,
  MAX_CANDID_TYPES,
} from '../../limits/management.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { encodeUtf8, decodeUtf8 } from '../../../base/utf8.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../../base/result.ts';
import type { PrincipalId } from '../../types/ids.ts';

/**
 * A bounded Candid decoder for arguments of the management canister. It reads by the types on the
 * wire into a plain value tree; the caller picks the fields it knows, so unknown fields and extra
 * arguments are skipped as Candid's subtyping demands. Every value costs a step, also those of zero
 * size, so that "vec null" bombs end early (IC0408).
 */

export type CandidValue =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'principal'; readonly value: PrincipalId }
  | { readonly kind: 'blob'; readonly value: Uint8Array }
  | { readonly kind: 'vec'; readonly items: readonly CandidValue[] }
  | { readonly kind: 'opt'; readonly value: CandidValue | null }
  | { readonly kind: 'record'; readonly fields: ReadonlyMap<number, CandidValue> }
  | { readonly kind: 'variant'; readonly tag: number; readonly value: CandidValue }
  /** As its bit pattern, so that every NaN survives. */
  | { readonly kind: 'float'; readonly width: 32 | 64; readonly bits: bigint };

export type CandidError = CodedError<'MALFORMED_CANDID'>;

const MAX_PRINCIPAL_BYTES = 29;

const NULL = -1;
const NAT8 = -5;
const PRINCIPAL = -24;
/** Sizes in bytes of the fixed-width number types, by type code; signed ones are marked. */
const FIXED: ReadonlyMap<number, { readonly size: number; readonly signed: boolean }> = new Map([
  [NAT8, { size: 1, signed: false }],
  [-6, { size: 2, signed: false }],
  [-7, { size: 4, signed: false }],
  [-8, { size: 8, signed: false }],
  [-9, { size: 1, signed: true }],
  [-10, { size: 2, signed: true }],
  [-11, { size: 4, signed: true }],
  [-12, { size: 8, signed: true }],
]);

type WireType =
  | { readonly kind: 'opt' | 'vec'; readonly of: number }
  | { readonly kind: 'record' | 'variant'; readonly fields: readonly (readonly [number, number])[] }
  | { readonly kind: 'reference' };

/** Thrown inside this file only; `decodeCandid` turns it into a `Result`. */
class Malformed {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  private steps = MAX_CANDID_STEPS;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  spend(): void {
    this.steps -= 1;
    if (this.steps < 0) {
      throw new Malformed('decoding cost exceeds the limit');
    }
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) {
      throw new Malformed('unexpected end of the message');
    }
    const slice = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return slice;
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  /** ULEB128 of at most 19 bytes (a nat of 128 bits). */
  unsigned(): bigint {
    return this.leb(false);
  }

  signed(): bigint {
    return this.leb(true);
  }

  private leb(signed: boolean): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 133n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) {
        return signed && (byte & 0x40) !== 0 ? value - (1n << (shift + 7n)) : value;
      }
    }
    throw new Malformed('a number is too long');
  }

  /** A length or index: must fit what a message can hold. */
  count(): number {
    const value = this.unsigned();
    if (value > 0xffff_ffffn) {
      throw new Malformed('a length exceeds 32 bits');
    }
    return Number(value);
  }

  typeCode(): number {
    const value = this.signed();
    if (value > BigInt(MAX_CANDID_TYPES) || value < -24n) {
      throw new Malformed('unknown type code');
    }
    return Number(value);
  }
}

function readTypeTable(reader: Reader): readonly WireType[] {
  const count = reader.count();
  if (count > MAX_CANDID_TYPES) {
    throw new Malformed('too many types');
  }
  const table: WireType[] = [];
  let fieldsLeft = MAX_CANDID_FIELDS;
  for (let i = 0; i < count; i += 1) {
    const code = reader.typeCode();
    if (code === -18 || code === -19) {
      table.push({ kind: code === -18 ? 'opt' : 'vec', of: reader.typeCode() });
    } else if (code === -20 || code === -21) {
      const fields = readFields(reader, fieldsLeft);
      fieldsLeft -= fields.length;
      table.push({ kind: code === -20 ? 'record' : 'variant', fields });
    } else if (code === -22 || code === -23) {
      skipReferenceType(reader, code);
      table.push({ kind: 'reference' });
    } else {
      throw new Malformed('unknown type constructor');
    }
  }
  return table;
}

function readFields(reader: Reader, limit: number): readonly (readonly [number, number])[] {
  const count = reader.count();
  if (count > limit) {
    throw new Malformed('too many fields');
  }
  const fields: (readonly [number, number])[] = [];
  let previous = -1;
  for (let i = 0; i < count; i += 1) {
    const id = reader.count();
    if (id <= previous) {
      throw new Malformed('field ids are not in order');
    }
    previous = id;
    fields.push([id, reader.typeCode()]);
  }
  return fields;
}

function skipReferenceType(reader: Reader, code: number): void {
  const lists = code === -22 ? 2 : 1;
  for (let list = 0; list < lists; list += 1) {
    const count = reader.count();
    for (let i = 0; i < count; i += 1) {
      reader.spend();
      if (code === -23) {
        reader.take(reader.count());
      }
      reader.typeCode();
    }
  }
  if (code === -22) {
    reader.take(reader.count());
  }
}

function readPrimitive(reader: Reader, code: number): CandidValue {
  const fixed = FIXED.get(code);
  if (fixed !== undefined) {
    return { kind: 'number', value: littleEndian(reader.take(fixed.size), fixed.signed) };
  }
  switch (code) {
    case NULL:
    case -16:
      return { kind: 'null' };
    case -2:
      return { kind: 'bool', value: reader.byte() === 1 };
    case -3:
      return { kind: 'number', value: reader.unsigned() };
    case -4:
      return { kind: 'number', value: reader.signed() };
    case -13:
    case -14:
      return {
        kind: 'float',
        width: code === -13 ? 32 : 64,
        bits: littleEndian(reader.take(code === -13 ? 4 : 8), false),
      };
    case -15:
      return { kind: 'text', value: readText(reader) };
    case PRINCIPAL:
      return readPrincipal(reader);
    default:
      throw new Malformed('a value of this type cannot exist');
  }
}

function readText(reader: Reader): string {
  const text = decodeUtf8(reader.take(reader.count()));
  if (text === undefined) {
    throw new Malformed('a text is not UTF-8');
  }
  return text;
}

function readPrincipal(reader: Reader): CandidValue {
  if (reader.byte() !== 1) {
    throw new Malformed('opaque references are not supported');
  }
  const length = reader.count();
  if (length > MAX_PRINCIPAL_BYTES) {
    throw new Malformed('a principal is longer than 29 bytes');
  }
  return { kind: 'principal', value: bytesToHex(reader.take(length)) as PrincipalId };
}

function littleEndian(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) {
    value = (value << 8n) | BigInt(bytes[i] as number);
  }
  return signed ? BigInt.asIntN(bytes.length * 8, value) : value;
}

function readValue(
  reader: Reader,
  table: readonly WireType[],
  code: number,
  depth: number,
): CandidValue {
  reader.spend();
  if (depth > MAX_CANDID_DEPTH) {
    throw new Malformed('values are nested too deeply');
  }
  if (code < 0) {
    return readPrimitive(reader, code);
  }
  const type = table[code];
  if (type === undefined) {
    throw new Malformed('unknown type index');
  }
  switch (type.kind) {
    case 'opt': {
      const present = reader.byte() === 1;
      return { kind: 'opt', value: present ? readValue(reader, table, type.of, depth + 1) : null };
    }
    case 'vec':
      return readVec(reader, table, type.of, depth);
    case 'record': {
      const fields = new Map<number, CandidValue>();
      for (const [id, of] of type.fields) {
        fields.set(id, readValue(reader, table, of, depth + 1));
      }
      return { kind: 'record', fields };
    }
    case 'variant': {
      const chosen = type.fields[reader.count()];
      if (chosen === undefined) {
        throw new Malformed('unknown variant index');
      }
      return {
        kind: 'variant',
        tag: chosen[0],
        value: readValue(reader, table, chosen[1], depth + 1),
      };
    }
    case 'reference':
      throw new Malformed('references are not supported');
  }
}

function readVec(
  reader: Reader,
  table: readonly WireType[],
  of: number,
  depth: number,
): CandidValue {
  const length = reader.count();
  if (of === NAT8) {
    return { kind: 'blob', value: reader.take(length).slice() };
  }
  const items: CandidValue[] = [];
  for (let i = 0; i < length; i += 1) {
    items.push(readValue(reader, table, of, depth + 1));
  }
  return { kind: 'vec', items };
}

/** The arguments of a message. Never throws; the error's message names what is wrong. */
export function decodeCandid(bytes: Uint8Array): Result<readonly CandidValue[], CandidError> {
  const reader = new Reader(bytes);
  try {
    const magic = reader.take(4);
    if (magic[0] !== 0x44 || magic[1] !== 0x49 || magic[2] !== 0x44 || magic[3] !== 0x4c) {
      throw new Malformed('the message does not start with DIDL');
    }
    const table = readTypeTable(reader);
    const codes: number[] = [];
    const count = reader.count();
    for (let i = 0; i < count; i += 1) {
      reader.spend();
      codes.push(reader.typeCode());
    }
    const values = codes.map((code) => readValue(reader, table, code, 0));
    if (reader.at !== bytes.length) {
      throw new Malformed('bytes are left over');
    }
    return ok(values);
  } catch (failure) {
    if (failure instanceof Malformed) {
      return err(codedError('input', 'MALFORMED_CANDID', failure.reason));
    }
    throw failure;
  }
}

/** The Candid label hash of a field or variant name. */
export function candidHash(name: string): number {
  let hash = 0;
  for (const byte of encodeUtf8(name)) {
    hash = (Math.imul(hash, 223) + byte) >>> 0;
  }
  return hash;
}
