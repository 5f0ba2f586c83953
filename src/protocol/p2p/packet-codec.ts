import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { present } from '../../base/assert.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { asArray, asBytes, asSafeNat, asText, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import type { CborInput, CborValue } from '../crypto/cbor.ts';
import type { NodeId } from '../types/ids.ts';
import {
  MAX_ACKS_PER_PACKET,
  MAX_PACKET_BYTES,
  MAX_PEERS,
  MAX_PULLS_PER_PACKET,
  MAX_STATE_MESSAGES_PER_PACKET,
  MAX_UPDATES_PER_PACKET,
} from './limits.ts';
import type {
  Acknowledgement,
  ArtifactName,
  Packet,
  PulledArtifact,
  Session,
  SlotUpdate,
  StateRequest,
  StateResponse,
} from './packet.ts';

/**
 * Packets as canonical CBOR: an array
 * [version, incarnation, sessions, acks, updates, pulls, pulled, state requests, state responses].
 * Decoding is bounded in size, depth and items, and refuses anything our encoder would not write.
 */
export const PACKET_VERSION = 1;
const MAX_DEPTH = 5;
const MAX_ITEMS = 40_000;
const HASH_BYTES = 32;
const MAX_NODE_ID_BYTES = 29;
const MAX_KIND_CHARACTERS = 32;

export type PacketError = CodedError<'PACKET_TOO_LARGE' | 'PACKET_MALFORMED' | 'PACKET_VERSION'>;

function bytesOfHex(hex: string): Uint8Array {
  return present(hexToBytes(hex), 'ids and hashes are hex');
}

function encodeName(name: ArtifactName): CborInput {
  return [name.kind, name.height, bytesOfHex(name.hash)];
}

/** @param packet our own: lengths are within the limits */
export function encodePacket(packet: Packet): Uint8Array {
  return encodeCbor([
    PACKET_VERSION,
    packet.incarnation,
    packet.sessions.map(({ peer, session }) => [bytesOfHex(peer), session]),
    packet.acks.map((ack) => [bytesOfHex(ack.to), ack.incarnation, ack.commitIds]),
    packet.updates.map((update) => [
      update.slotId,
      update.commitId,
      encodeName(update.name),
      update.bytes,
    ]),
    packet.pulls.map(encodeName),
    packet.pulled.map(({ name, bytes }) => [encodeName(name), bytes]),
    packet.stateRequests.map((request) => [
      request.height,
      bytesOfHex(request.root),
      request.chunk === null ? null : bytesOfHex(request.chunk),
    ]),
    packet.stateResponses.map((response) => [
      response.height,
      bytesOfHex(response.root),
      response.chunk === null ? null : bytesOfHex(response.chunk),
      response.bytes,
    ]),
  ]);
}

type Reader<T> = (value: CborValue) => T | undefined;

/** A list of at most `limit` items, all of which `read` understands. */
function readList<T>(
  value: CborValue | undefined,
  limit: number,
  read: Reader<T>,
): readonly T[] | undefined {
  const items = asArray(value);
  if (items === undefined || items.length > limit) {
    return undefined;
  }
  const list: T[] = [];
  for (const item of items) {
    const entry = read(item);
    if (entry === undefined) {
      return undefined;
    }
    list.push(entry);
  }
  return list;
}

function readFields(value: CborValue, count: number): readonly CborValue[] | undefined {
  const fields = asArray(value);
  return fields?.length === count ? fields : undefined;
}

function readHash(value: CborValue | undefined): string | undefined {
  const bytes = asBytes(value);
  return bytes?.length === HASH_BYTES ? bytesToHex(bytes) : undefined;
}

function readNodeId(value: CborValue | undefined): NodeId | undefined {
  const bytes = asBytes(value);
  return bytes !== undefined && bytes.length > 0 && bytes.length <= MAX_NODE_ID_BYTES
    ? (bytesToHex(bytes) as NodeId)
    : undefined;
}

function readName(value: CborValue | undefined): ArtifactName | undefined {
  const fields = value === undefined ? undefined : readFields(value, 3);
  const kind = asText(fields?.[0]);
  const height = asSafeNat(fields?.[1]);
  const hash = readHash(fields?.[2]);
  if (kind === undefined || height === undefined || hash === undefined) {
    return undefined;
  }
  return kind.length <= MAX_KIND_CHARACTERS ? { kind, height, hash } : undefined;
}

/** undefined = malformed; null is a value. */
function readOptional<T>(value: CborValue | undefined, read: Reader<T>): T | null | undefined {
  return value === null ? null : value === undefined ? undefined : read(value);
}

function readSession(value: CborValue): Session | undefined {
  const fields = readFields(value, 2);
  const peer = readNodeId(fields?.[0]);
  const session = asSafeNat(fields?.[1]);
  return peer === undefined || session === undefined ? undefined : { peer, session };
}

function readAck(value: CborValue): Acknowledgement | undefined {
  const fields = readFields(value, 3);
  const to = readNodeId(fields?.[0]);
  const incarnation = asSafeNat(fields?.[1]);
  const commitIds = readList(fields?.[2], MAX_ACKS_PER_PACKET, asSafeNat);
  if (to === undefined || incarnation === undefined || commitIds === undefined) {
    return undefined;
  }
  return { to, incarnation, commitIds };
}

function readUpdate(value: CborValue): SlotUpdate | undefined {
  const fields = readFields(value, 4);
  const slotId = asSafeNat(fields?.[0]);
  const commitId = asSafeNat(fields?.[1]);
  const name = readName(fields?.[2]);
  const bytes = readOptional(fields?.[3], asBytes);
  if (slotId === undefined || commitId === undefined || name === undefined || bytes === undefined) {
    return undefined;
  }
  return { slotId, commitId, name, bytes };
}

function readPulled(value: CborValue): PulledArtifact | undefined {
  const fields = readFields(value, 2);
  const name = readName(fields?.[0]);
  const bytes = readOptional(fields?.[1], asBytes);
  return name === undefined || bytes === undefined ? undefined : { name, bytes };
}

function readStateFields(fields: readonly CborValue[] | undefined): StateRequest | undefined {
  const height = asSafeNat(fields?.[0]);
  const root = readHash(fields?.[1]);
  const chunk = readOptional(fields?.[2], readHash);
  if (height === undefined || root === undefined || chunk === undefined) {
    return undefined;
  }
  return { height, root, chunk };
}

function readStateResponse(value: CborValue): StateResponse | undefined {
  const fields = readFields(value, 4);
  const request = readStateFields(fields);
  const bytes = readOptional(fields?.[3], asBytes);
  return request === undefined || bytes === undefined ? undefined : { ...request, bytes };
}

/** Reads a packet from hostile bytes. */
export function decodePacket(bytes: Uint8Array): Result<Packet, PacketError> {
  if (bytes.length > MAX_PACKET_BYTES) {
    const message = `a packet of ${bytes.length} bytes; at most ${MAX_PACKET_BYTES} are read`;
    return err(codedError('limit', 'PACKET_TOO_LARGE', message));
  }
  const limits = { maxBytes: MAX_PACKET_BYTES, maxDepth: MAX_DEPTH, maxItems: MAX_ITEMS };
  const decoded = decodeCbor(bytes, { ...limits, canonical: true });
  if (!decoded.ok) {
    return err(codedError('input', 'PACKET_MALFORMED', decoded.error.message));
  }
  const fields = asArray(decoded.value);
  if (fields?.[0] !== PACKET_VERSION) {
    return err(codedError('input', 'PACKET_VERSION', 'not a packet of this protocol version'));
  }
  const incarnation = asSafeNat(fields[1]);
  const sessions = readList(fields[2], MAX_PEERS, readSession);
  const acks = readList(fields[3], MAX_PEERS, readAck);
  const updates = readList(fields[4], MAX_UPDATES_PER_PACKET, readUpdate);
  const pulls = readList(fields[5], MAX_PULLS_PER_PACKET, readName);
  const pulled = readList(fields[6], MAX_PULLS_PER_PACKET, readPulled);
  const stateRequests = readList(fields[7], MAX_STATE_MESSAGES_PER_PACKET, (value) =>
    readStateFields(readFields(value, 3)),
  );
  const stateResponses = readList(fields[8], MAX_STATE_MESSAGES_PER_PACKET, readStateResponse);
  const complete =
    fields.length === 9 &&
    incarnation !== undefined &&
    sessions !== undefined &&
    acks !== undefined &&
    updates !== undefined &&
    pulls !== undefined &&
    pulled !== undefined &&
    stateRequests !== undefined &&
    stateResponses !== undefined;
  if (!complete) {
    const message = 'a field of the packet is missing, too long or of another type';
    return err(codedError('input', 'PACKET_MALFORMED', message));
  }
  return ok({
    incarnation,
    sessions,
    acks,
    updates,
    pulls,
    pulled,
    stateRequests,
    stateResponses,
  });
}
