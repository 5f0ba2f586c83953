import { crc32 } from '../crypto/crc32.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';

/** Gzip (RFC 1952) with DEFLATE (RFC 1951): canister modules may be uploaded compressed. Bounded by an output limit. */

export type GunzipError = CodedError<'MALFORMED_GZIP' | 'GZIP_TOO_LARGE'>;

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const MAX_CODE_BITS = 15;
const END_OF_BLOCK = 256;

/** Thrown inside this file only. */
class Malformed {
  readonly error: GunzipError;
  constructor(code: 'MALFORMED_GZIP' | 'GZIP_TOO_LARGE', message: string) {
    this.error = codedError('input', code, message);
  }
}

/** A canonical Huffman code: how many codes have each length, and the symbols in code order. */
interface Huffman {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

class BitReader {
  private readonly bytes: Uint8Array;
  private at: number;
  private buffer = 0;
  private held = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  bits(count: number): number {
    while (this.held < count) {
      this.buffer |= this.nextByte() << this.held;
      this.held += 8;
    }
    const value = this.buffer & ((1 << count) - 1);
    this.buffer >>>= count;
    this.held -= count;
    return value;
  }

  symbol(code: Huffman): number {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
      value |= this.bits(1);
      const count = code.counts[length] as number;
      if (value - count < first) {
        return code.symbols[index + value - first] as number;
      }
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw new Malformed('MALFORMED_GZIP', 'invalid Huffman code');
  }

  /** Drops the rest of the current byte and gives the following bytes. */
  alignedBytes(length: number): Uint8Array {
    this.at -= Math.floor(this.held / 8);
    this.buffer = 0;
    this.held = 0;
    if (length > this.bytes.length - this.at) {
      throw new Malformed('MALFORMED_GZIP', 'unexpected end');
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private nextByte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) {
      throw new Malformed('MALFORMED_GZIP', 'unexpected end');
    }
    this.at += 1;
    return byte;
  }
}

class Output {
  private bytes = new Uint8Array(64 * 1024);
  private length = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  private reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed > this.limit) {
      throw new Malformed('GZIP_TOO_LARGE', `the module has more than ${this.limit} bytes`);
    }
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.min(this.limit, Math.max(needed, 2 * this.bytes.length)));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
  }

  push(byte: number): void {
    this.reserve(1);
    this.bytes[this.length] = byte;
    this.length += 1;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  repeat(distance: number, length: number): void {
    if (distance > this.length) {
      throw new Malformed('MALFORMED_GZIP', 'a distance points before the start');
    }
    this.reserve(length);
    for (let i = 0; i < length; i += 1) {
      this.bytes[this.length] = this.bytes[this.length - distance] as number;
      this.length += 1;
    }
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (const length of lengths) {
    counts[length] = (counts[length] as number) + 1;
  }
  counts[0] = 0;
  let left = 1;
  const offsets = new Uint16Array(MAX_CODE_BITS + 2);
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    left = (left << 1) - (counts[length] as number);
    offsets[length + 1] = (offsets[length] as number) + (counts[length] as number);
  }
  if (left < 0) {
    throw new Malformed('MALFORMED_GZIP', 'over-subscribed Huffman code');
  }
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length !== 0) {
      symbols[offsets[length] as number] = symbol;
      offsets[length] = (offsets[length] as number) + 1;
    }
  });
  return { counts, symbols };
}

function fixedCodes(): readonly [Huffman, Huffman] {
  const literals = Array.from({ length: 288 }, (_, i) =>
    i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8,
  );
  return [huffman(literals), huffman(Array.from({ length: 30 }, () => 5))];
}

function dynamicCodes(input: BitReader): readonly [Huffman, Huffman] {
  const literals = input.bits(5) + 257;
  const distances = input.bits(5) + 1;
  const codeLengths = Array.from({ length: 19 }, () => 0);
  const given = input.bits(4) + 4;
  for (const position of CODE_LENGTH_ORDER.slice(0, given)) {
    codeLengths[position] = input.bits(3);
  }
  const code = huffman(codeLengths);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = input.symbol(code);
    if (symbol < 16) {
      lengths.push(symbol);
      continue;
    }
    const previous = lengths.at(-1);
    if (symbol === 16 && previous === undefined) {
      throw new Malformed('MALFORMED_GZIP', 'a repeat without a length');
    }
    const value = symbol === 16 ? (previous as number) : 0;
    const times =
      symbol === 16 ? 3 + input.bits(2) : symbol === 17 ? 3 + input.bits(3) : 11 + input.bits(7);
    for (let i = 0; i < times; i += 1) {
      lengths.push(value);
    }
  }
  if (lengths.length > literals + distances) {
    throw new Malformed('MALFORMED_GZIP', 'too many code lengths');
  }
  return [huffman(lengths.slice(0, literals)), huffman(lengths.slice(literals))];
}

function inflateBlock(input: BitReader, output: Output, codes: readonly [Huffman, Huffman]): void {
  for (;;) {
    const symbol = input.symbol(codes[0]);
    if (symbol === END_OF_BLOCK) {
      return;
    }
    if (symbol < END_OF_BLOCK) {
      output.push(symbol);
      continue;
    }
    const base = LENGTH_BASE[symbol - 257];
    if (base === undefined) {
      throw new Malformed('MALFORMED_GZIP', 'invalid length');
    }
    const length = base + input.bits(LENGTH_EXTRA[symbol - 257] as number);
    const code = input.symbol(codes[1]);
    const distanceBase = DISTANCE_BASE[code];
    if (distanceBase === undefined) {
      throw new Malformed('MALFORMED_GZIP', 'invalid distance');
    }
    output.repeat(distanceBase + input.bits(code < 2 ? 0 : (code >> 1) - 1), length);
  }
}

function inflate(input: BitReader, output: Output): void {
  for (let last = false; !last; ) {
    last = input.bits(1) === 1;
    const kind = input.bits(2);
    if (kind === 0) {
      const sizes = input.alignedBytes(4);
      const length = (sizes[0] as number) | ((sizes[1] as number) << 8);
      const complement = (sizes[2] as number) | ((sizes[3] as number) << 8);
      if ((length ^ complement) !== 0xffff) {
        throw new Malformed('MALFORMED_GZIP', 'stored block length mismatch');
      }
      output.append(input.alignedBytes(length));
    } else if (kind === 3) {
      throw new Malformed('MALFORMED_GZIP', 'unknown block type');
    } else {
      inflateBlock(input, output, kind === 1 ? fixedCodes() : dynamicCodes(input));
    }
  }
}

/** Length of the gzip header: fixed part and the optional fields its flags name. */
function headerLength(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) {
    at += 2 + (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8);
  }
  for (const flag of [8, 16]) {
    if ((flags & flag) !== 0) {
      const end = bytes.indexOf(0, at);
      at = end < 0 ? bytes.length : end + 1;
    }
  }
  return (flags & 2) !== 0 ? at + 2 : at;
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08;
}

/** The content of a gzip file of one member; its checksum and length must match. */
export function gunzip(bytes: Uint8Array, limit: number): Result<Uint8Array, GunzipError> {
  try {
    const input = new BitReader(bytes, headerLength(bytes));
    const output = new Output(limit);
    inflate(input, output);
    const content = output.done();
    const trailer = input.alignedBytes(8);
    const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.length);
    if (view.getUint32(0, true) !== crc32(content) || view.getUint32(4, true) !== content.length) {
      throw new Malformed('MALFORMED_GZIP', 'checksum or length mismatch');
    }
    return ok(content);
  } catch (failure) {
    if (failure instanceof Malformed) {
      return err(failure.error);
    }
    throw failure;
  }
}
