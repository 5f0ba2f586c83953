import { decodeUtf8 } from '../../../base/utf8.ts';

/** How the replica opens its text, by who refuses the module: its rules, its engine, its rewriter. */
const OPENING = {
  rule: "Canister's Wasm module is not valid: ",
  engine:
    "Canister's Wasm module is not valid: Wasmtime failed to validate wasm module wasmtime::Module::validate() failed with ",
  rewriter: 'Could not instrument wasm module of canister: ',
} as const;

/**
 * Raised while walking a module's bytes; `instrument` turns it into a typed error. Without a `by` it
 * is what the engine would find.
 */
export class ModuleFault extends Error {
  override readonly name = 'ModuleFault';
  readonly by: keyof typeof OPENING;

  constructor(message: string, by: keyof typeof OPENING = 'engine') {
    super(message);
    this.by = by;
  }
}

/** The whole text for the user. */
export function refusalText(message: string, by: keyof typeof OPENING): string {
  return `${OPENING[by]}${message}`;
}

/** A cursor over module bytes that never reads past its end and never loops on bad lengths. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) {
      throw new ModuleFault('unexpected end');
    }
    const { at } = this;
    this.at = at + 1;
    return this.bytes[at] as number;
  }

  /** The next byte, left where it is. */
  peek(): number {
    if (this.at >= this.end) {
      throw new ModuleFault('unexpected end');
    }
    return this.bytes[this.at] as number;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const first = this.byte();
    if (first < 0x80) {
      return first;
    }
    let value = first & 0x7f;
    for (let scale = 2 ** 7; scale < 2 ** 35; scale *= 2 ** 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > 0xff_ff_ff_ff) {
          break;
        }
        return value;
      }
    }
    throw new ModuleFault('integer too large');
  }

  /** Unsigned LEB128 of at most 64 bits. */
  u64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) {
        if (value >> 64n !== 0n) {
          break;
        }
        return value;
      }
    }
    throw new ModuleFault('integer too large');
  }

  /** Unsigned LEB128 of at most 64 bits; rounded above 2^53. */
  roundedU64(): number {
    const first = this.byte();
    if (first < 0x80) {
      return first;
    }
    let value = first & 0x7f;
    for (let scale = 2 ** 7; scale < 2 ** 70; scale *= 2 ** 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return value;
      }
    }
    throw new ModuleFault('integer too large');
  }

  /** Signed LEB128 of at most 64 bits. */
  s64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) {
        return BigInt.asIntN(64, (byte & 0x40) === 0 ? value : value - (1n << (shift + 7n)));
      }
    }
    throw new ModuleFault('integer too large');
  }

  /** Signed LEB128 of at most 64 bits; rounded above 2^53. */
  roundedS64(): number {
    const only = this.peek();
    if (only < 0x80) {
      this.at += 1;
      return only < 0x40 ? only : only - 0x80;
    }
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) {
        return (byte & 0x40) === 0 ? value : value - scale * 128;
      }
    }
    throw new ModuleFault('integer too large');
  }

  /** Passes over one LEB128 integer of at most 10 bytes. */
  skipLeb(): void {
    for (let i = 0; i < 10; i += 1) {
      if (this.byte() < 0x80) {
        return;
      }
    }
    throw new ModuleFault('integer too large');
  }

  skip(count: number): void {
    if (count > this.end - this.at) {
      throw new ModuleFault('unexpected end');
    }
    this.at += count;
  }

  /** A view of the next `count` bytes. */
  take(count: number): Uint8Array {
    const start = this.at;
    this.skip(count);
    return this.bytes.subarray(start, this.at);
  }

  /** The number of entries that follow; each takes at least one byte, so it is bounded by the bytes left. */
  count(limit: number, what: string): number {
    const count = this.u32();
    if (count > limit || count > this.end - this.at) {
      throw new ModuleFault(`too many ${what}: ${count}`);
    }
    return count;
  }

  name(): string {
    const text = decodeUtf8(this.take(this.u32()));
    if (text === undefined) {
      throw new ModuleFault('malformed UTF-8 encoding');
    }
    return text;
  }

  /** A reader of the next `length` bytes; this one continues behind them. */
  sub(length: number): ByteReader {
    const start = this.at;
    this.skip(length);
    return new ByteReader(this.bytes, start, this.at);
  }
}
