import { assert } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { hexInto } from '../../base/hex.ts';
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
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const TWO_POW_32 = 0x1_00_00_00_00;

/** A buffer that grew beyond this is given back after its encoding. */
const KEPT_BUFFER_BYTES = 64 * 1024;
const FIRST_BUFFER_BYTES = 4096;

/** Writes items one after the other, without building a tree first; the counterpart of `CborCursor`. */
export interface CborWriter {
  /** The head of an array; its items follow. */
  array(count: number): void;
  /** A safe natural number. */
  nat(value: number): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  /** A byte string, given as hex. */
  hex(value: string): void;
  null(): void;
}

/**
 * Collects one encoding at a time in a buffer that is used again: encodings are many and small, and
 * a fresh buffer for each would cost more than the writing. Nothing of it is ever handed out.
 */
class Writer implements CborWriter {
  private buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  private length = 0;

  private reserve(extra: number): void {
    if (this.length + extra > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + extra));
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
    }
  }

  start(): void {
    this.length = 0;
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

  /** Big-endian, `width` bytes. */
  private fixed(value: number, width: number): void {
    this.reserve(width);
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) {
      this.buffer[this.length] = value >>> shift;
      this.length += 1;
    }
  }

  /** Initial byte and shortest argument (RFC 8949 §4.2.1); the argument is a safe natural number. */
  head(major: number, argument: number): void {
    const top = major << 5;
    if (argument < 24) {
      this.byte(top | argument);
    } else if (argument <= 0xff) {
      this.byte(top | 24);
      this.byte(argument);
    } else if (argument <= 0xff_ff) {
      this.byte(top | 25);
      this.fixed(argument, 2);
    } else if (argument <= 0xff_ff_ff_ff) {
      this.byte(top | 26);
      this.fixed(argument, 4);
    } else {
      this.byte(top | 27);
      this.fixed(Math.floor(argument / TWO_POW_32), 4);
      this.fixed(argument % TWO_POW_32, 4);
    }
  }

  /** A head whose argument may be beyond the safe range. */
  wideHead(major: number, argument: bigint): void {
    if (argument <= MAX_SAFE) {
      this.head(major, Number(argument));
      return;
    }
    this.byte((major << 5) | 27);
    this.fixed(Number(argument >> 32n), 4);
    this.fixed(Number(argument & 0xff_ff_ff_ffn), 4);
  }

  text(value: string): void {
    for (let i = 0; i < value.length; i += 1) {
      if (value.charCodeAt(i) >= 0x80) {
        const bytes = encodeUtf8(value);
        this.head(3, bytes.length);
        this.raw(bytes);
        return;
      }
    }
    this.head(3, value.length);
    this.reserve(value.length);
    for (let i = 0; i < value.length; i += 1) {
      this.buffer[this.length + i] = value.charCodeAt(i);
    }
    this.length += value.length;
  }

  array(count: number): void {
    this.head(4, count);
  }

  nat(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'CBOR numbers are safe integers');
    this.head(0, value);
  }

  bytes(value: Uint8Array): void {
    this.head(2, value.length);
    this.raw(value);
  }

  hex(value: string): void {
    const count = value.length / 2;
    this.head(2, count);
    this.reserve(count);
    assert(hexInto(value, this.buffer, this.length), 'ids and hashes are hex');
    this.length += count;
  }

  null(): void {
    this.byte(0xf6);
  }

  /** What `write` adds, as bytes of their own instead. */
  apart(write: () => void): Uint8Array {
    const start = this.length;
    write();
    const bytes = this.buffer.slice(start, this.length);
    this.length = start;
    return bytes;
  }

  finish(): Uint8Array {
    const bytes = this.buffer.slice(0, this.length);
    if (this.buffer.length > KEPT_BUFFER_BYTES) {
      this.buffer = new Uint8Array(FIRST_BUFFER_BYTES);
    }
    return bytes;
  }
}

function writeInteger(writer: Writer, value: number | bigint): void {
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), 'CBOR numbers are safe integers');
    writer.head(value < 0 ? 1 : 0, value < 0 ? -1 - value : value);
    return;
  }
  const magnitude = value < 0n ? -1n - value : value;
  assert(magnitude <= MAX_U64, 'CBOR integers fit 64 bits');
  writer.wideHead(value < 0n ? 1 : 0, magnitude);
}

function writeMap(
  writer: Writer,
  entries: Iterable<readonly [CborInputKey, CborInput | undefined]>,
): void {
  const encoded: { readonly key: Uint8Array; readonly value: CborInput }[] = [];
  for (const [key, value] of entries) {
    if (value !== undefined) {
      const keyBytes = writer.apart(() => {
        writeItem(writer, key);
      });
      encoded.push({ key: keyBytes, value });
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
    writer.text(value);
  } else if (value instanceof Uint8Array) {
    writer.bytes(value);
  } else if (value === null) {
    writer.null();
  } else if (typeof value === 'boolean') {
    writer.byte(value ? 0xf5 : 0xf4);
  } else if (isList(value)) {
    writer.array(value.length);
    for (const item of value) {
      writeItem(writer, item);
    }
  } else if (value instanceof Map) {
    writeMap(writer, value);
  } else {
    writeMap(writer, Object.entries(value));
  }
}

/** One is enough: encoding is synchronous and calls nothing of its caller's. */
const sharedWriter = new Writer();

/**
 * Deterministic CBOR (RFC 8949 §4.2.1): shortest integers and lengths, map keys in bytewise order
 * of their encoding. Asserts on integers beyond 64 bits or fractions: callers encode their own data.
 */
export function encodeCbor(value: CborInput, options: CborEncodeOptions = {}): Uint8Array {
  sharedWriter.start();
  if (options.selfDescribed === true) {
    sharedWriter.raw(SELF_DESCRIBED_TAG);
  }
  writeItem(sharedWriter, value);
  return sharedWriter.finish();
}

/** One item, written as it goes; `write` encodes nothing else meanwhile. */
export function writeCbor(write: (writer: CborWriter) => void): Uint8Array {
  sharedWriter.start();
  write(sharedWriter);
  return sharedWriter.finish();
}
