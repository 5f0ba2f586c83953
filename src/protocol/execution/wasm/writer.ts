import { encodeUtf8 } from '../../../base/utf8.ts';

/** Below this many bytes a loop beats the engine's own copying. */
const SHORT_COPY_BYTES = 32;

/** A growing byte buffer with the encodings of the WebAssembly binary format. */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  raw(bytes: ArrayLike<number>): void {
    const count = bytes.length;
    this.#reserve(count);
    if (count > SHORT_COPY_BYTES) {
      this.#buffer.set(bytes, this.#length);
    } else {
      for (let i = 0; i < count; i += 1) {
        this.#buffer[this.#length + i] = bytes[i] as number;
      }
    }
    this.#length += count;
  }

  /** Copies `source[from, to)`. */
  copy(source: Uint8Array, from: number, to: number): void {
    if (to - from > SHORT_COPY_BYTES) {
      this.raw(source.subarray(from, to));
      return;
    }
    this.#reserve(to - from);
    let length = this.#length;
    for (let i = from; i < to; i += 1) {
      this.#buffer[length++] = source[i] as number;
    }
    this.#length = length;
  }

  /** Unsigned LEB128 of a safe integer. */
  u32(value: number): void {
    this.#reserve(8);
    if (value < 0x80) {
      this.#buffer[this.#length++] = value;
      return;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  u64(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }

  /** An instruction with one index. */
  indexed(opcode: number, index: number): void {
    this.byte(opcode);
    this.u32(index);
  }

  /** Signed LEB128 of a safe integer. */
  signed(value: number): void {
    // Instructions of integers alone are several times as fast.
    if ((value | 0) === value) {
      this.#signed32(value);
      return;
    }
    let rest = value;
    for (;;) {
      const low = ((rest % 0x80) + 0x80) % 0x80;
      rest = (rest - low) / 0x80;
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  #signed32(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest < -0x40 || rest >= 0x40) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.#buffer[this.#length++] = rest & 0x7f;
  }

  name(text: string): void {
    const bytes = encodeUtf8(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** `body` with its length in front. */
  sized(body: Uint8Array): void {
    this.u32(body.length);
    this.raw(body);
  }

  /** The bytes so far; a view that later writes may or may not show. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  toBytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}
