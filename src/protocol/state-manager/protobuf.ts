import { encodeUtf8 } from '../../base/utf8.ts';

/**
 * The part of Protocol Buffers that manifests use: varints, bytes and messages. Writing is
 * deterministic: fields in order of their number, zeros and empty fields left out.
 */

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const MAX_VARINT_BYTES = 8;

export class ProtoWriter {
  private buffer = new Uint8Array(256);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** @param value a natural number up to 2^53 − 1 */
  varint(field: number, value: number): void {
    if (value !== 0) {
      this.raw(field * 8 + WIRE_VARINT);
      this.raw(value);
    }
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) {
      this.entry(field, value);
    }
  }

  text(field: number, value: string): void {
    this.bytes(field, encodeUtf8(value));
  }

  /** An element of a repeated field: also written when it is empty. */
  entry(field: number, value: Uint8Array): void {
    this.raw(field * 8 + WIRE_BYTES);
    this.raw(value.length);
    this.room(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** What was written, in a fresh array; the writer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.buffer.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  private raw(value: number): void {
    this.room(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.view.setUint8(this.length, (rest % 0x80) + 0x80);
      this.length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.view.setUint8(this.length, rest);
    this.length += 1;
  }

  private room(bytes: number): void {
    if (this.length + bytes > this.buffer.length) {
      const grown = new Uint8Array(2 * (this.length + bytes));
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
  }
}

/** One field as it was read: a number or bytes that still belong to the source. */
export type ProtoField =
  | { readonly field: number; readonly value: number }
  | { readonly field: number; readonly value: Uint8Array };

/** The fields of a message in order; undefined when the bytes are none of what `ProtoWriter` writes. */
export function readProtoFields(bytes: Uint8Array): readonly ProtoField[] | undefined {
  const fields: ProtoField[] = [];
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i += 1) {
      const byte = bytes[at];
      if (byte === undefined) {
        return undefined;
      }
      at += 1;
      value += (byte % 0x80) * scale;
      scale *= 0x80;
      if (byte < 0x80) {
        return Number.isSafeInteger(value) ? value : undefined;
      }
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    const value = varint();
    if (key === undefined || value === undefined) {
      return undefined;
    }
    const field = Math.floor(key / 8);
    if (key % 8 === WIRE_VARINT) {
      fields.push({ field, value });
    } else if (key % 8 === WIRE_BYTES && value <= bytes.length - at) {
      fields.push({ field, value: bytes.subarray(at, at + value) });
      at += value;
    } else {
      return undefined;
    }
  }
  return fields;
}
