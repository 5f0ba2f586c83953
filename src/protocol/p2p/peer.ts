import type { NodeId } from '../types/ids.ts';
import { Inbox } from './inbox.ts';
import {
  MAX_PULLS_PER_PACKET,
  MAX_UPDATES_PER_PACKET,
  PACKET_TARGET_BYTES,
  PULL_ANSWER_BYTES_PER_STEP,
} from './limits.ts';
import type {
  Acknowledgement,
  ArtifactName,
  Packet,
  PulledArtifact,
  SlotUpdate,
  StateAdvert,
  StateRequest,
  StateResponse,
} from './packet.ts';

/** What a node knows and owes of one peer. */
export interface Peer {
  readonly id: NodeId;
  readonly inbox: Inbox;
  /** The rest of a packet whose reading used up the credit. */
  rest: Rest | null;
  up: boolean;
  /** Elapsed, as `ackAtNs`. */
  lastHeardNs: number;
  /** 0 = never heard. */
  incarnation: number;
  /** Number of our table of its slots. */
  ourSession: number;
  /** The peer's number of its table of our slots, as last heard; -1 = never. */
  theirSession: number;
  /** Where in its packets the acknowledgements for us stood last. */
  ackPlace: number;
  acksDue: number[];
  ackAtNs: number | null;
  pulls: ArtifactName[];
  /** What the peer asked for; looked up when it is answered. */
  asked: ArtifactName[];
  stateAdverts: readonly StateAdvert[];
  stateRequests: StateRequest[];
  stateResponses: StateResponse[];
}

/** Something for this peer alone, besides updates. */
export function hasDirect(peer: Peer): boolean {
  return (
    peer.pulls.length > 0 ||
    peer.asked.length > 0 ||
    peer.stateAdverts.length > 0 ||
    peer.stateRequests.length > 0 ||
    peer.stateResponses.length > 0
  );
}

/** What the peer acknowledges to us. It names all of us in one order: ours is mostly where it was the last time. */
export function findAck(
  peer: Peer,
  acks: readonly Acknowledgement[],
  nodeId: NodeId,
): Acknowledgement | undefined {
  if (acks[peer.ackPlace]?.to !== nodeId) {
    const place = acks.findIndex(({ to }) => to === nodeId);
    if (place === -1) {
      return undefined;
    }
    peer.ackPlace = place;
  }
  return acks[peer.ackPlace];
}

/**
 * What is for this peer alone, besides updates; the peer is owed no more of it, except answers
 * beyond a step's worth.
 */
export function takeDirect(
  peer: Peer,
  blank: Packet,
  bytesOf: (name: ArtifactName) => Uint8Array | null,
): readonly Packet[] {
  const packets: Packet[] = [];
  const { stateAdverts, stateRequests, stateResponses } = peer;
  const pulls = peer.pulls.slice(0, MAX_PULLS_PER_PACKET);
  if (pulls.length > 0 || stateAdverts.length > 0 || stateRequests.length > 0) {
    packets.push({ ...blank, pulls, stateAdverts, stateRequests });
  }
  // Each answer may be as large as a block, so each goes alone.
  let answered = 0;
  let count = 0;
  for (const name of peer.asked) {
    if (answered >= PULL_ANSWER_BYTES_PER_STEP) {
      break;
    }
    const bytes = bytesOf(name);
    answered += bytes?.length ?? 0;
    packets.push({ ...blank, pulled: [{ name, bytes }] });
    count += 1;
  }
  for (const response of stateResponses) {
    packets.push({ ...blank, stateResponses: [response] });
  }
  peer.asked = peer.asked.slice(count);
  peer.pulls = peer.pulls.slice(MAX_PULLS_PER_PACKET);
  peer.stateAdverts = [];
  peer.stateRequests = [];
  peer.stateResponses = [];
  return packets;
}

/** What is left of a packet after its head: read one by one. */
export interface Rest {
  readonly updates: readonly SlotUpdate[];
  readonly pulled: readonly PulledArtifact[];
  next: number;
}

export function newPeer(id: NodeId): Peer {
  return {
    id,
    inbox: new Inbox(),
    rest: null,
    up: false,
    lastHeardNs: 0,
    incarnation: 0,
    ourSession: 1,
    theirSession: -1,
    ackPlace: 0,
    acksDue: [],
    ackAtNs: null,
    pulls: [],
    asked: [],
    stateAdverts: [],
    stateRequests: [],
    stateResponses: [],
  };
}

export const NO_PARTS: readonly (readonly SlotUpdate[])[] = [];

/** Splits updates so that no packet grows far beyond the target size. */
export function splitUpdates(updates: readonly SlotUpdate[]): readonly (readonly SlotUpdate[])[] {
  if (updates.length === 0) {
    return NO_PARTS;
  }
  const parts: SlotUpdate[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const update of updates) {
    const last = parts.at(-1);
    if (
      last === undefined ||
      size >= PACKET_TARGET_BYTES ||
      last.length >= MAX_UPDATES_PER_PACKET
    ) {
      parts.push([update]);
      size = 0;
    } else {
      last.push(update);
    }
    size += (update.bytes?.length ?? 0) + 64;
  }
  return parts;
}
