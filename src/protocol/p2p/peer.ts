import type { NodeId } from '../types/ids.ts';
import { Inbox } from './inbox.ts';
import { MAX_UPDATES_PER_PACKET, PACKET_TARGET_BYTES } from './limits.ts';
import type {
  ArtifactName,
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
  lastHeardNs: bigint;
  /** 0 = never heard. */
  incarnation: number;
  /** Number of our table of its slots. */
  ourSession: number;
  /** The peer's number of its table of our slots, as last heard; -1 = never. */
  theirSession: number;
  acksDue: number[];
  ackAtNs: bigint | null;
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
    lastHeardNs: 0n,
    incarnation: 0,
    ourSession: 1,
    theirSession: -1,
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
