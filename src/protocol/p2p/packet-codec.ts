import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { CborCursor } from '../crypto/cbor-cursor.ts';
import { writeCbor } from '../crypto/cbor-encode.ts';
import type { CborWriter } from '../crypto/cbor-encode.ts';
import { ARTIFACT_KINDS } from '../types/artifacts.ts';
import type { NodeId } from '../types/ids.ts';
import {
  MAX_ACKS_PER_PACKET,
  MAX_PACKET_BYTES,
  MAX_PEERS,
  MAX_PULLS_PER_PACKET,
  MAX_STATE_MESSAGES_PER_PACKET,
  MAX_UPDATES_PER_PACKET,
} from './limits.ts';
import { INGRESS_KIND } from './packet.ts';
import type {
  Acknowledgement,
  ArtifactName,
  Packet,
  PulledArtifact,
  Session,
  SlotUpdate,
  StateAdvert,
  StateRequest,
  StateResponse,
} from './packet.ts';

/**
 * Packets as canonical CBOR: an array
 * [version, incarnation, sessions, acks, updates, pulls, pulled, state adverts, state requests, state
 * responses].
 * Decoding is bounded in size, depth and items, and refuses anything our encoder would not write.
 */
export const PACKET_VERSION = 2;
const FIELDS = 10;
const HASH_BYTES = 32;
const MAX_NODE_ID_BYTES = 29;
const MAX_KIND_BYTES = 32;

export type PacketError = CodedError<'PACKET_TOO_LARGE' | 'PACKET_MALFORMED' | 'PACKET_VERSION'>;

function writeList<T>(
  writer: CborWriter,
  items: readonly T[],
  write: (writer: CborWriter, item: T) => void,
): void {
  writer.array(items.length);
  for (const item of items) {
    write(writer, item);
  }
}

function writeName(writer: CborWriter, { kind, height, hash }: ArtifactName): void {
  writer.array(3);
  writer.text(kind);
  writer.nat(height);
  writer.hex(hash);
}

function writeOptionalBytes(writer: CborWriter, bytes: Uint8Array | null): void {
  if (bytes === null) {
    writer.null();
  } else {
    writer.bytes(bytes);
  }
}

function writeSession(writer: CborWriter, { peer, session }: Session): void {
  writer.array(2);
  writer.hex(peer);
  writer.nat(session);
}

function writeAck(writer: CborWriter, { to, incarnation, commitIds }: Acknowledgement): void {
  writer.array(3);
  writer.hex(to);
  writer.nat(incarnation);
  writer.array(commitIds.length);
  for (const commitId of commitIds) {
    writer.nat(commitId);
  }
}

function writeUpdate(writer: CborWriter, { slotId, commitId, name, bytes }: SlotUpdate): void {
  writer.array(4);
  writer.nat(slotId);
  writer.nat(commitId);
  writeName(writer, name);
  writeOptionalBytes(writer, bytes);
}

function writePulled(writer: CborWriter, { name, bytes }: PulledArtifact): void {
  writer.array(2);
  writeName(writer, name);
  writeOptionalBytes(writer, bytes);
}

function writeStateAdvert(writer: CborWriter, { height, root }: StateAdvert): void {
  writer.array(2);
  writer.nat(height);
  writer.hex(root);
}

function writeStateRequest(writer: CborWriter, { height, root, chunk }: StateRequest): void {
  writer.array(3);
  writer.nat(height);
  writer.hex(root);
  writer.nat(chunk);
}

function writeStateResponse(writer: CborWriter, response: StateResponse): void {
  const { height, root, chunk, bytes, busy } = response;
  writer.array(5);
  writer.nat(height);
  writer.hex(root);
  writer.nat(chunk);
  writeOptionalBytes(writer, bytes);
  writer.nat(busy ? 1 : 0);
}

/** @param packet our own: lengths are within the limits */
export function encodePacket(packet: Packet): Uint8Array {
  return writeCbor((writer) => {
    writer.array(FIELDS);
    writer.nat(PACKET_VERSION);
    writer.nat(packet.incarnation);
    writeList(writer, packet.sessions, writeSession);
    writeList(writer, packet.acks, writeAck);
    writeList(writer, packet.updates, writeUpdate);
    writeList(writer, packet.pulls, writeName);
    writeList(writer, packet.pulled, writePulled);
    writeList(writer, packet.stateAdverts, writeStateAdvert);
    writeList(writer, packet.stateRequests, writeStateRequest);
    writeList(writer, packet.stateResponses, writeStateResponse);
  });
}

type Reader<T> = (cursor: CborCursor) => T;

function readList<T>(cursor: CborCursor, limit: number, read: Reader<T>): readonly T[] {
  const list: T[] = [];
  const count = cursor.array(limit);
  for (let i = 0; i < count && cursor.failure === null; i += 1) {
    list.push(read(cursor));
  }
  return list;
}

function readHash(cursor: CborCursor): string {
  return cursor.hex(HASH_BYTES, HASH_BYTES);
}

function readNodeId(cursor: CborCursor): NodeId {
  return cursor.hex(1, MAX_NODE_ID_BYTES) as NodeId;
}

function readNat(cursor: CborCursor): number {
  return cursor.nat();
}

function readFlag(cursor: CborCursor): boolean {
  const value = cursor.nat();
  if (value > 1) {
    cursor.fail('flag');
  }
  return value === 1;
}

/** One string for each known kind: names are compared all the time, and the same string is equal at a glance. */
const KINDS: ReadonlyMap<string, string> = new Map(
  [...ARTIFACT_KINDS, INGRESS_KIND].map((kind) => [kind, kind]),
);

function readKind(cursor: CborCursor): string {
  const kind = cursor.text(MAX_KIND_BYTES);
  return KINDS.get(kind) ?? kind;
}

function readName(cursor: CborCursor): ArtifactName {
  cursor.tuple(3);
  return { kind: readKind(cursor), height: cursor.nat(), hash: readHash(cursor) };
}

function readOptionalBytes(cursor: CborCursor): Uint8Array | null {
  return cursor.isNull() ? null : cursor.byteString(MAX_PACKET_BYTES);
}

function readSession(cursor: CborCursor): Session {
  cursor.tuple(2);
  return { peer: readNodeId(cursor), session: cursor.nat() };
}

function readAck(cursor: CborCursor): Acknowledgement {
  cursor.tuple(3);
  return {
    to: readNodeId(cursor),
    incarnation: cursor.nat(),
    commitIds: readList(cursor, MAX_ACKS_PER_PACKET, readNat),
  };
}

function readUpdate(cursor: CborCursor): SlotUpdate {
  cursor.tuple(4);
  return {
    slotId: cursor.nat(),
    commitId: cursor.nat(),
    name: readName(cursor),
    bytes: readOptionalBytes(cursor),
  };
}

function readPulled(cursor: CborCursor): PulledArtifact {
  cursor.tuple(2);
  return { name: readName(cursor), bytes: readOptionalBytes(cursor) };
}

function readStateAdvert(cursor: CborCursor): StateAdvert {
  cursor.tuple(2);
  return { height: cursor.nat(), root: readHash(cursor) };
}

function readStateFields(cursor: CborCursor): StateRequest {
  return { height: cursor.nat(), root: readHash(cursor), chunk: cursor.nat() };
}

function readStateRequest(cursor: CborCursor): StateRequest {
  cursor.tuple(3);
  return readStateFields(cursor);
}

function readStateResponse(cursor: CborCursor): StateResponse {
  cursor.tuple(5);
  return {
    ...readStateFields(cursor),
    bytes: readOptionalBytes(cursor),
    busy: readFlag(cursor),
  };
}

/** Reads a packet from hostile bytes; the work is bounded by their number. */
export function decodePacket(bytes: Uint8Array): Result<Packet, PacketError> {
  if (bytes.length > MAX_PACKET_BYTES) {
    const message = `a packet of ${bytes.length} bytes; at most ${MAX_PACKET_BYTES} are read`;
    return err(codedError('limit', 'PACKET_TOO_LARGE', message));
  }
  const cursor = new CborCursor(bytes);
  cursor.tuple(FIELDS);
  const version = cursor.nat();
  if (cursor.failure === null && version !== PACKET_VERSION) {
    return err(codedError('input', 'PACKET_VERSION', 'not a packet of this protocol version'));
  }
  const packet: Packet = {
    incarnation: cursor.nat(),
    sessions: readList(cursor, MAX_PEERS, readSession),
    acks: readList(cursor, MAX_PEERS, readAck),
    updates: readList(cursor, MAX_UPDATES_PER_PACKET, readUpdate),
    pulls: readList(cursor, MAX_PULLS_PER_PACKET, readName),
    pulled: readList(cursor, MAX_PULLS_PER_PACKET, readPulled),
    stateAdverts: readList(cursor, MAX_STATE_MESSAGES_PER_PACKET, readStateAdvert),
    stateRequests: readList(cursor, MAX_STATE_MESSAGES_PER_PACKET, readStateRequest),
    stateResponses: readList(cursor, MAX_STATE_MESSAGES_PER_PACKET, readStateResponse),
  };
  cursor.end();
  return cursor.failure === null
    ? ok(packet)
    : err(codedError('input', 'PACKET_MALFORMED', `malformed packet ${cursor.failure}`));
}
