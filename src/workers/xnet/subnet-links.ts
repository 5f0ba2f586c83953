import type { HttpReply, HttpRequest } from '../../protocol/node/node-io.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkClock } from '../clock/network-clock.ts';
import type { Scheduler } from '../clock/scheduler.ts';
import { crossSubnetChannels, type OpenChannel } from '../transport/channel-like.ts';
import type { ChannelLike } from '../transport/channel-like.ts';
import type { DropCause, LinkTable } from '../transport/link-table.ts';
import { createTransport } from '../transport/transport.ts';
import { createFetchDesk, type FetchDesk } from './fetch-desk.ts';

/** A node's links to the nodes of other subnets. */
export interface SubnetLinks extends Pick<FetchDesk, 'fetch' | 'peerGone'> {
  /** Whether that node is one of another subnet. */
  leadsTo(nodeId: NodeId): boolean;
  /** Large packets to and from this node go through its own port from now on. */
  connect(nodeId: NodeId, port: ChannelLike): void;
  /** Nodes of a subnet that was added. */
  add(nodeIds: readonly NodeId[]): void;
}

export interface SubnetLinksDeps {
  readonly networkId: string;
  readonly nodeId: NodeId;
  /** All registered nodes of other subnets. */
  readonly strangers: readonly NodeId[];
  /** As of the node's other links. */
  readonly connectionId: string;
  readonly openChannel: OpenChannel;
  readonly links: LinkTable;
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  /** Seeds the numbers of requests: another one at each start. */
  readonly firstId: number;
  serve(from: NodeId, request: HttpRequest, onReply: (reply: HttpReply) => void): () => void;
  onDropped(from: NodeId, cause: DropCause): void;
  onRejected(from: NodeId | null, error: { readonly code: string; readonly message: string }): void;
}

/** Opens them: the media and the link conditions are those of a subnet's own links. */
export function openSubnetLinks(deps: SubnetLinksDeps): SubnetLinks {
  const strangers = new Set(deps.strangers);
  const { nodeId, connectionId, openChannel, links, clock, scheduler } = deps;
  const transport = createTransport({
    channels: crossSubnetChannels(deps.networkId),
    nodeId,
    members: strangers,
    connectionId,
    openChannel,
    links,
    clock,
    scheduler,
    onPacket: (from, bytes) => desk.take(from as NodeId, bytes),
    onDropped: (from, cause) => deps.onDropped(from as NodeId, cause),
    onRejected: (from, error) => deps.onRejected(from as NodeId | null, error),
  });
  const desk = createFetchDesk({
    clock,
    scheduler,
    firstId: deps.firstId,
    isPeer: (id) => strangers.has(id),
    send: (to, bytes) => {
      transport.send(to, bytes);
      transport.flush();
    },
    serve: deps.serve,
    onRejected: deps.onRejected,
  });
  return {
    leadsTo: (id) => strangers.has(id),
    connect: (id, port) => transport.connect(id, port),
    fetch: desk.fetch,
    peerGone: desk.peerGone,
    add: (nodeIds) => nodeIds.forEach((id) => strangers.add(id)),
  };
}
