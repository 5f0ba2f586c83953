import type { Result } from '../../base/result.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { NodeId } from '../types/ids.ts';
import type { ArtifactName, Packet, StateAdvert, StateRequest, StateResponse } from './packet.ts';
import type { PacketError } from './packet-codec.ts';
import type { PeerPenalties } from './penalties.ts';
import type { SlotReceiverPorts } from './slot-receiver.ts';

/**
 * The P2P layer of one node: abortable broadcast of the pools' artifacts to all peers over a
 * medium that may delay, lose, repeat and reorder packets.
 *
 * Liveness: an artifact that stays in an honest node's pool reaches every honest peer that stays
 * reachable. Security: a peer can only waste its own bounded share of our tables.
 * Upstream: rs/p2p/consensus_manager, artifact_downloader, quic_transport. The IC's QUIC streams
 * acknowledge and repeat by themselves; here acknowledgements are part of the packet.
 */
export interface Gossip {
  deliver(name: ArtifactName, bytes: Uint8Array, latencySensitive: boolean): void;
  withdraw(name: ArtifactName): void;
  /** Takes a packet as it came from the medium. */
  receive(from: NodeId, bytes: Uint8Array, nowNs: bigint): void;
  /** Directed state-sync messages ride in the same packets. */
  sendStateAdverts(to: NodeId, adverts: readonly StateAdvert[]): void;
  sendStateRequest(to: NodeId, request: StateRequest): void;
  sendStateResponse(to: NodeId, response: StateResponse): void;
  /** The bouncer may answer differently now. */
  reconsider(): void;
  /** Everything there is to say, once per step. */
  flush(nowNs: bigint): GossipOutput;
  peersUp(): readonly NodeId[];
  /** The connection id that what is sent now carries. */
  readonly connection: number;
  /**
   * Begins again with a larger connection id, as after a restart: the peers forget every slot they
   * hold of this node and get everything that is on offer anew.
   */
  reconnect(nowNs: bigint): void;
  /** What the peer was counted for so far. */
  penaltiesOf(peer: NodeId): PeerPenalties;
}

export interface GossipConfig extends SlotReceiverPorts {
  readonly nodeId: NodeId;
  readonly peers: readonly NodeId[];
  /** Grows with every start of this node; connection ids grow with it. */
  readonly incarnation: number;
  /**
   * Work that taking an artifact in costs besides decoding it, e.g. for a signature that is checked
   * at once; in the units of `WORK_PER_PEER_AND_STEP`.
   */
  readonly workOf?: (name: ArtifactName) => number;
  /** Bytes that peers may ask for although no slot holds them. */
  readonly extraBytesOf?: (name: ArtifactName) => Uint8Array | undefined;
  /** Reads a packet; hostile bytes give an error. */
  readonly decodePacket: (bytes: Uint8Array) => Result<Packet, PacketError>;
  readonly onStateAdverts: (from: NodeId, adverts: readonly StateAdvert[]) => void;
  readonly onStateRequest: (from: NodeId, request: StateRequest) => void;
  readonly onStateResponse: (from: NodeId, response: StateResponse) => void;
}

export interface GossipPacket {
  readonly to: NodeId | 'all';
  readonly packet: Packet;
  readonly bytes: Uint8Array;
}

export interface GossipOutput {
  readonly packets: readonly GossipPacket[];
  readonly vanished: readonly ArtifactName[];
  readonly trace: readonly TraceEvent[];
  readonly nextWakeNs: bigint | null;
}
