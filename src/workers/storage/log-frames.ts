import { present } from '../../base/assert.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { crc32 } from '../../protocol/crypto/crc32.ts';
import type { StorageWrite } from '../../protocol/node/node-io.ts';

/**
 * The frames of a log (`log-storage.ts`). A frame is one batch: its head, with one checksum, and behind
 * it the values that are too large to be looked at when the log is opened, each with its own.
 *
 *   version 2:  u32 CRC-32 of what follows to the end of the head | u32 length | u32 head length | head | large values
 *   version 1:  u32 length | u32 CRC-32 of the head | head
 *   head:       u8 op | u16 key length | key | of a put: u32 value length | value
 *                                              of a large put: u32 value length | u32 CRC-32 of the value
 */
export type LogVersion = 1 | 2;

/** From this length on a value lies behind the head. */
export const LARGE_BYTES: number = 16 * 1024;

const OP_PUT = 1;
const OP_DELETE = 2;
const OP_PUT_LARGE = 3;

/** Where a value lies in the file. */
export interface Location {
  readonly at: number;
  readonly length: number;
  /** Of a large value. */
  readonly crc?: number;
}

export type FramedWrite =
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'put'; readonly key: string; readonly location: Location };

export interface Frame {
  /** Offset behind it. */
  readonly end: number;
  /** Its head, whose checksum is right. */
  readonly head: Uint8Array;
  /** Offset of the head. */
  readonly headAt: number;
}

/** Bytes of a file; shorter where it ends. */
export type ReadBytes = (at: number, length: number) => Uint8Array;

interface Layout {
  readonly headerBytes: number;
  readonly lengthAt: number;
  readonly crcAt: number;
  /** Where the bytes begin that the checksum is of. */
  readonly summedFrom: number;
}

const LAYOUT: Readonly<Record<LogVersion, Layout>> = {
  1: { headerBytes: 8, lengthAt: 0, crcAt: 4, summedFrom: 8 },
  2: { headerBytes: 12, lengthAt: 4, crcAt: 0, summedFrom: 4 },
};
/** In version 2. */
const HEAD_LENGTH_AT = 8;

/** The frame that begins at `at`; undefined when it is cut off or its head is damaged. */
export function frameAt(
  version: LogVersion,
  read: ReadBytes,
  at: number,
  size: number,
): Frame | undefined {
  const { headerBytes, lengthAt, crcAt, summedFrom } = LAYOUT[version];
  const start = at + headerBytes;
  if (start > size) {
    return undefined;
  }
  const header = viewOf(read(at, headerBytes));
  const crc = header.getUint32(crcAt);
  const length = header.getUint32(lengthAt);
  const headLength = version === 1 ? length : header.getUint32(HEAD_LENGTH_AT);
  if (headLength > length || start + length > size) {
    return undefined;
  }
  const bytes = read(at, headerBytes + headLength);
  return crc32(bytes.subarray(summedFrom)) === crc
    ? { end: start + length, head: bytes.subarray(headerBytes), headAt: start }
    : undefined;
}

/** Where the frame at `at` ends if its length is right. */
export function toldEnd(version: LogVersion, read: ReadBytes, at: number): number {
  const { headerBytes, lengthAt } = LAYOUT[version];
  return at + headerBytes + viewOf(read(at + lengthAt, 4)).getUint32(0);
}

/** Whether a frame may begin here: tells most places without a checksum. */
export function mayBegin(version: LogVersion, bytes: Uint8Array, at: number): boolean {
  const { headerBytes, lengthAt } = LAYOUT[version];
  const start = at + headerBytes;
  const op = bytes[start];
  return (
    op !== undefined &&
    op >= OP_PUT &&
    op <= OP_PUT_LARGE &&
    start + viewOf(bytes).getUint32(at + lengthAt) <= bytes.length
  );
}

/** What a head says, in its order. */
export function* writesOf({ head, headAt }: Frame): IterableIterator<FramedWrite> {
  const view = viewOf(head);
  let largeAt = headAt + head.length;
  for (let at = 0; at < head.length; ) {
    const op = head[at];
    const keyLength = view.getUint16(at + 1);
    const key = decodeUtf8(head.subarray(at + 3, at + 3 + keyLength)) ?? '';
    at += 3 + keyLength;
    if (op === OP_DELETE) {
      yield { op: 'delete', key };
      continue;
    }
    const length = view.getUint32(at);
    if (op === OP_PUT_LARGE) {
      const location = { at: largeAt, length, crc: view.getUint32(at + 4) };
      yield { op: 'put', key, location };
      largeAt += length;
      at += 8;
    } else {
      yield { op: 'put', key, location: { at: headAt + at + 4, length } };
      at += 4 + length;
    }
  }
}

export function encodeFrame(
  version: LogVersion,
  writes: readonly StorageWrite[],
): Uint8Array<ArrayBuffer> {
  const keys = writes.map((write) => encodeUtf8(write.key));
  const isLarge = (write: StorageWrite): boolean =>
    version > 1 && write.op === 'put' && write.value.length >= LARGE_BYTES;
  let [headLength, largeLength] = [0, 0];
  writes.forEach((write, i) => {
    const value = write.op === 'put' ? write.value.length : 0;
    largeLength += isLarge(write) ? value : 0;
    headLength += 3 + present(keys[i], 'one for each write').length;
    headLength += write.op === 'delete' ? 0 : isLarge(write) ? 8 : 4 + value;
  });
  const { headerBytes: start, lengthAt, crcAt, summedFrom } = LAYOUT[version];
  const frame = new Uint8Array(start + headLength + largeLength);
  const view = viewOf(frame);
  let [at, largeAt] = [start, start + headLength];
  writes.forEach((write, i) => {
    const key = present(keys[i], 'one for each write');
    frame[at] = write.op === 'delete' ? OP_DELETE : isLarge(write) ? OP_PUT_LARGE : OP_PUT;
    view.setUint16(at + 1, key.length);
    frame.set(key, at + 3);
    at += 3 + key.length;
    if (write.op === 'delete') {
      return;
    }
    const { value } = write;
    view.setUint32(at, value.length);
    if (isLarge(write)) {
      view.setUint32(at + 4, crc32(value));
      frame.set(value, largeAt);
      largeAt += value.length;
      at += 8;
    } else {
      frame.set(value, at + 4);
      at += 4 + value.length;
    }
  });
  view.setUint32(lengthAt, headLength + largeLength);
  if (version > 1) {
    view.setUint32(HEAD_LENGTH_AT, headLength);
  }
  view.setUint32(crcAt, crc32(frame.subarray(summedFrom, start + headLength)));
  return frame;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
