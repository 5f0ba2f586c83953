import { assert } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { encodeUtf8 } from '../../base/utf8.ts';

/** What can be encoded. A record's fields that are undefined are left out. */
export type CborInput =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborInput[]
  | ReadonlyMap<CborInputKey, CborInput | undefined>
  | CborRecord;
export type CborInputKey = string | number | bigint | Uint8Array;
export interface CborRecord {
  readonly [field: string]: CborInput | undefined;
}

export interface CborEncodeOptions {
  /** Put the self-described tag 55799 (d9d9f7) in front, as the IC's HTTP interface does. */
  readonly selfDescribed?: boolean;
}

const SELF_DESCRIBED_TAG = Uint8Array.of(0xd9, 0xd9, 0xf7);
const MAX_U64 = (1n << 64n) - 1n;

class Writer {
  private buffer = new Uint8Array(256);
  private length = 0;

  private reserve(extra: number): void {
    if (this.length + extra > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + extra));
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
    }
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length] = value;
    this.length += 1;
  }

  /** Initial byte and shortest argument (RFC 8949 §4.2.1). */
  head(major: number, argument: number | bigint): void {
    const top = major << 5;
    if (argument < 24) {
      this.byte(top | Number(argument));
      return;
    }
    this.reserve(9);
    const view = new DataView(this.buffer.buffer);
    if (argument <= 0xff) {
      this.byte(top | 24);
      this.byte(Number(argument));
    } else if (argument <= 0xff_ff) {
      this.byte(top | 25);
      view.setUint16(this.length, Number(argument));
      this.length += 2;
    } else if (argument <= 0xff_ff_ff_ff) {
      this.byte(top | 26);
      view.setUint32(this.length, Number(argument));
      this.length += 4;
    } else {
      this.byte(top | 27);
      view.setBigUint64(this.length, BigInt(argument));
      this.length += 8;
    }
  }

  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }
}

function writeInteger(writer: Writer, value: number | bigint): void {
  assert(
    typeof value === 'bigint' || Number.isSafeInteger(value),
    'CBOR numbers are safe integers',
  );
  const magnitude = value < 0 ? -1n - BigInt(value) : value;
  assert(magnitude <= MAX_U64, 'CBOR integers fit 64 bits');
  writer.head(value < 0 ? 1 : 0, magnitude);
}

function writeMap(
  writer: Writer,
  entries: Iterable<readonly [CborInputKey, CborInput | undefined]>,
): void {
  const encoded: { readonly key: Uint8Array; readonly value: CborInput }[] = [];
  for (const [key, value] of entries) {
    if (value !== undefined) {
      const keyWriter = new Writer();
      writeItem(keyWriter, key);
      encoded.push({ key: keyWriter.finish(), value });
    }
  }
  encoded.sort((a, b) => compareBytes(a.key, b.key));
  writer.head(5, encoded.length);
  for (const entry of encoded) {
    writer.raw(entry.key);
    writeItem(writer, entry.value);
  }
}

function isList(value: CborInput): value is readonly CborInput[] {
  return Array.isArray(value);
}

function writeItem(writer: Writer, value: CborInput): void {
  if (typeof value === 'number' || typeof value === 'bigint') {
    writeInteger(writer, value);
  } else if (typeof value === 'string') {
    const text = encodeUtf8(value);
    writer.head(3, text.length);
    writer.raw(text);
  } else if (value instanceof Uint8Array) {
    writer.head(2, value.length);
    writer.raw(value);
  } else if (value === null) {
    writer.byte(0xf6);
  } else if (typeof value === 'boolean') {
    writer.byte(value ? 0xf5 : 0xf4);
  } else if (isList(value)) {
    writer.head(4, value.length);
    for (const item of value) {
      writeItem(writer, item);
    }
  } else if (value instanceof Map) {
    writeMap(writer, value);
  } else {
    writeMap(writer, Object.entries(value));
  }
}

/**
 * Deterministic CBOR (RFC 8949 §4.2.1): shortest integers and lengths, map keys in bytewise order
 * of their encoding. Asserts on integers beyond 64 bits or fractions: callers encode their own data.
 */
export function encodeCbor(value: CborInput, options: CborEncodeOptions = {}): Uint8Array {
  const writer = new Writer();
  if (options.selfDescribed === true) {
    writer.raw(SELF_DESCRIBED_TAG);
  }
  writeItem(writer, value);
  return writer.finish();
}
