import type { Mutations } from '../artifact-pool/change-action.ts';
import type { Role, RoleContext } from '../consensus/role-context.ts';
import type { GossipPacket } from '../p2p/gossip.ts';
import type { Packet } from '../p2p/packet.ts';
import { encodePacket } from '../p2p/packet-codec.ts';
import type { NodeId } from '../types/ids.ts';
import type { SliceRequest } from '../xnet/stream-request.ts';
import type { ServedSlice } from '../xnet/stream-server.ts';

/** Does a role's work in its place; `honest` is that role, for what the attack does not change. */
export type RoleEdit = (context: RoleContext, honest: Role) => Mutations;

/** What an attack knows when packets leave. */
export interface Outlet {
  readonly nodeId: NodeId;
  /** Every other node, ascending. */
  readonly peers: readonly NodeId[];
  readonly incarnation: number;
  readonly nowNs: bigint;
  /** Highest notarized height: what peers want is a little above. */
  readonly notarized: number;
}

/** One way to break the rules: edits roles of consensus, adds work of its own, edits what is sent. */
export interface Attack {
  readonly roles?: ReadonlyMap<Role, RoleEdit>;
  readonly produce?: Role;
  readonly send?: (packets: readonly GossipPacket[], outlet: Outlet) => readonly GossipPacket[];
  /** What a node of another subnet gets in the place of a slice of a stream. */
  readonly serve?: (slice: ServedSlice, request: SliceRequest) => ServedSlice;
}

export function packetTo(to: NodeId | 'all', packet: Packet): GossipPacket {
  return { to, packet, bytes: encodePacket(packet) };
}

/** Packets to all as one for each peer, so that each can be told something else. */
export function perPeer(
  packets: readonly GossipPacket[],
  { peers }: Outlet,
): readonly (GossipPacket & { readonly to: NodeId })[] {
  return packets.flatMap(({ to, packet, bytes }) =>
    (to === 'all' ? peers : [to]).map((peer) => ({ to: peer, packet, bytes })),
  );
}
