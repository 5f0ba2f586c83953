import { concatBytes } from '../../base/bytes.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { type CodedError, codedError, err, ok, type Result } from '../../base/result.ts';
import { present } from '../../base/assert.ts';

/**
 * What travels on a channel: one frame carries every packet a node sent within one tick.
 *
 *   u8 version | u8 sender length | sender | u64 connection id | u48 sequence number
 *   | u16 packet count | count × (u32 length | bytes)
 *
 * Order and duplicates are judged by (connection id, sequence number), never by the medium.
 */
export interface Frame {
  /** Lower-case hex of the sender's principal. */
  readonly sender: string;
  /** New for each start of the sender; 16 hex digits. */
  readonly connectionId: string;
  readonly sequenceNumber: number;
  readonly packets: readonly Uint8Array[];
}

export type FrameErrorCode =
  | 'NOT_BYTES'
  | 'FRAME_TOO_LARGE'
  | 'UNKNOWN_FRAME_VERSION'
  | 'TRUNCATED_FRAME'
  | 'BAD_SENDER'
  | 'TOO_MANY_PACKETS'
  | 'PACKET_TOO_LARGE'
  | 'TRAILING_BYTES';
export type FrameError = CodedError<FrameErrorCode>;

const FRAME_VERSION = 1;
const MAX_SENDER_BYTES = 29;
const CONNECTION_ID_BYTES = 8;
const SEQUENCE_BYTES = 6;
export const MAX_PACKETS_PER_FRAME = 1024;
/** A block of 4 MiB with its envelope must fit, and the largest reply between subnets. */
export const MAX_PACKET_BYTES = 6 * 1024 * 1024 + 4 * 1024;
export const MAX_FRAME_BYTES = 8 * 1024 * 1024;

/** Encodes a frame of own packets; the ids are the caller's own and valid by construction. */
export function encodeFrame(frame: Frame): Uint8Array {
  const sender = present(hexToBytes(frame.sender), 'a sender id is hex');
  const connectionId = present(hexToBytes(frame.connectionId), 'a connection id is hex');
  const header = new Uint8Array(2 + sender.length + CONNECTION_ID_BYTES + SEQUENCE_BYTES + 2);
  const view = new DataView(header.buffer);
  header[0] = FRAME_VERSION;
  header[1] = sender.length;
  header.set(sender, 2);
  let at = 2 + sender.length;
  header.set(connectionId, at);
  at += CONNECTION_ID_BYTES;
  view.setUint16(at, Math.floor(frame.sequenceNumber / 2 ** 32));
  view.setUint32(at + 2, frame.sequenceNumber % 2 ** 32);
  view.setUint16(at + SEQUENCE_BYTES, frame.packets.length);
  const parts: Uint8Array[] = [header];
  for (const packet of frame.packets) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, packet.length);
    parts.push(length, packet);
  }
  return concatBytes(...parts);
}

/** Decodes what a channel brought. Every length is checked before anything is read or copied. */
export function decodeFrame(data: unknown): Result<Frame, FrameError> {
  if (!(data instanceof Uint8Array)) {
    return fail('NOT_BYTES', 'the channel carried something that is not a byte array');
  }
  if (data.length > MAX_FRAME_BYTES) {
    return fail('FRAME_TOO_LARGE', `a frame of ${data.length} bytes is over ${MAX_FRAME_BYTES}`);
  }
  const senderLength = data[1] ?? 0;
  const headerLength = 2 + senderLength + CONNECTION_ID_BYTES + SEQUENCE_BYTES + 2;
  if (data[0] !== undefined && data[0] !== FRAME_VERSION) {
    return fail('UNKNOWN_FRAME_VERSION', `frame version ${data[0]} is not ${FRAME_VERSION}`);
  }
  if (senderLength > MAX_SENDER_BYTES || (data.length > 1 && senderLength === 0)) {
    return fail('BAD_SENDER', `a sender id of ${senderLength} bytes is not a principal`);
  }
  if (data.length < headerLength) {
    return fail('TRUNCATED_FRAME', 'the frame ends inside its header');
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const connectionAt = 2 + senderLength;
  const sequenceAt = connectionAt + CONNECTION_ID_BYTES;
  const packets = decodePackets(data, view, headerLength, view.getUint16(sequenceAt + 6));
  if (!packets.ok) {
    return packets;
  }
  return ok({
    sender: bytesToHex(data.subarray(2, connectionAt)),
    connectionId: bytesToHex(data.subarray(connectionAt, sequenceAt)),
    sequenceNumber: view.getUint16(sequenceAt) * 2 ** 32 + view.getUint32(sequenceAt + 2),
    packets: packets.value,
  });
}

function decodePackets(
  data: Uint8Array,
  view: DataView,
  start: number,
  count: number,
): Result<readonly Uint8Array[], FrameError> {
  if (count > MAX_PACKETS_PER_FRAME) {
    return fail('TOO_MANY_PACKETS', `${count} packets in one frame`);
  }
  const packets: Uint8Array[] = [];
  let at = start;
  for (let i = 0; i < count; i += 1) {
    if (at + 4 > data.length) {
      return fail('TRUNCATED_FRAME', `the frame ends before packet ${i}`);
    }
    const length = view.getUint32(at);
    at += 4;
    if (length > MAX_PACKET_BYTES) {
      return fail('PACKET_TOO_LARGE', `packet ${i} claims ${length} bytes`);
    }
    if (at + length > data.length) {
      return fail('TRUNCATED_FRAME', `the frame ends inside packet ${i}`);
    }
    // A lone packet fills its frame; among others it is copied, to not keep them all.
    packets.push(count === 1 ? data.subarray(at, at + length) : data.slice(at, at + length));
    at += length;
  }
  return at === data.length
    ? ok(packets)
    : fail('TRAILING_BYTES', `${data.length - at} bytes after the last packet`);
}

function fail(code: FrameErrorCode, message: string): Result<never, FrameError> {
  return err(codedError('transport', code, message));
}
