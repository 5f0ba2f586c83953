import type { NodeId } from '../types/ids.ts';

/** Names one artifact of any pool; the hash is over the artifact's content, as lower-case hex. */
export interface ArtifactName {
  readonly kind: string;
  readonly height: number;
  readonly hash: string;
}

/** Calls are artifacts of this kind; a peer has a table of its own size for them. */
export const INGRESS_KIND = 'ingress';

export function nameKey(name: ArtifactName): string {
  return `${name.kind}/${name.height}/${name.hash}`;
}

/** "Slot s now holds this artifact": whole, or (bytes null) to be pulled. */
export interface SlotUpdate {
  readonly slotId: number;
  readonly commitId: number;
  readonly name: ArtifactName;
  readonly bytes: Uint8Array | null;
}

/** Updates of one sender that arrived; the incarnation tells which life of that sender is meant. */
export interface Acknowledgement {
  readonly to: NodeId;
  readonly incarnation: number;
  readonly commitIds: readonly number[];
}

/** Which table of slots the sender keeps for a peer; a new number means: it forgot, send all again. */
export interface Session {
  readonly peer: NodeId;
  readonly session: number;
}

/** Answer to a pull; null = not held (any more). */
export interface PulledArtifact {
  readonly name: ArtifactName;
  readonly bytes: Uint8Array | null;
}

/** "I have this checkpoint": its height and state hash, hex. */
export interface StateAdvert {
  readonly height: number;
  readonly root: string;
}

/** Fetching a part of a checkpoint; the numbers: `state-manager/chunk-ids.ts`. */
export interface StateRequest extends StateAdvert {
  readonly chunk: number;
}

/** Without bytes: there is no such content, or (busy) the peer has too much to do; ask again later. */
export interface StateResponse extends StateRequest {
  readonly bytes: Uint8Array | null;
  readonly busy: boolean;
}

/** One packet: everything a node has to say to a peer (or to all) in one step. */
export interface Packet {
  /** The connection id: grows with each start of the sender. */
  readonly incarnation: number;
  readonly sessions: readonly Session[];
  readonly acks: readonly Acknowledgement[];
  readonly updates: readonly SlotUpdate[];
  readonly pulls: readonly ArtifactName[];
  readonly pulled: readonly PulledArtifact[];
  readonly stateAdverts: readonly StateAdvert[];
  readonly stateRequests: readonly StateRequest[];
  readonly stateResponses: readonly StateResponse[];
}

export function emptyPacket(incarnation: number): Packet {
  return {
    incarnation,
    sessions: [],
    acks: [],
    updates: [],
    pulls: [],
    pulled: [],
    stateAdverts: [],
    stateRequests: [],
    stateResponses: [],
  };
}
