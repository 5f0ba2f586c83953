import { compareText } from '../../base/bytes.ts';
import { boundaryFailure, routeRequest } from '../../protocol/http/route-request.ts';
import type { HttpReply, HttpRequest } from '../../protocol/node/node-io.ts';
import type { SubnetId } from '../../protocol/types/ids.ts';
import type { NetworkTopology } from '../../protocol/types/network-topology.ts';
import type { HostTimers } from '../clock/scheduler.ts';
import type { GatewayReply, GatewayRequest, NodeToGateway, PortLike } from './messages.ts';

/**
 * The API boundary node: finds the subnet of each request, picks a healthy node of it and tries another
 * one when that node dies, does not answer or fails. All routes may be repeated: a call carries its request id,
 * and a node executes an id once.
 */
export interface Gateway {
  /** Which canisters and nodes each subnet has; before anything is served. */
  setTopology(topology: NetworkTopology): void;
  addNode(nodeId: string, port: PortLike<NodeToGateway, GatewayRequest>, subnetId: SubnetId): void;
  /** Killed or crashed: its open requests go to other nodes at once. */
  removeNode(nodeId: string): void;
  serve(client: PortLike<GatewayRequest, GatewayReply>): void;
}

interface NodeEntry {
  readonly nodeId: string;
  readonly subnetId: SubnetId;
  readonly port: PortLike<NodeToGateway, GatewayRequest>;
  certifiedHeight: number;
}

interface OpenRequest {
  readonly id: number;
  readonly clientId: number;
  readonly client: PortLike<GatewayRequest, GatewayReply>;
  readonly request: HttpRequest;
  /** Null = any will do. */
  readonly subnetId: SubnetId | null;
  readonly tried: Set<string>;
  node: string | undefined;
  timer: unknown;
}

export interface GatewayLimits {
  readonly maxOpenRequests: number;
  readonly maxBodyBytes: number;
  /** Nodes tried for one request. */
  readonly maxAttempts: number;
  /** A node holds a synchronous call for ten seconds before it answers 202. */
  readonly attemptTimeoutMs: number;
  /** Heights a node may be behind the best one and still count as healthy. */
  readonly maxLagHeights: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  maxOpenRequests: 500,
  maxBodyBytes: 4 * 1024 * 1024,
  maxAttempts: 3,
  attemptTimeoutMs: 30_000,
  maxLagHeights: 20,
};

const ROUTE = /^\/api\/v[234]\/(?:canister|subnet)\/([^/]{1,80})\//;

export function createGateway(timers: HostTimers, limits: GatewayLimits = GATEWAY_LIMITS): Gateway {
  const nodes = new Map<string, NodeEntry>();
  const open = new Map<number, OpenRequest>();
  let topology: NetworkTopology | undefined;
  let nextId = 0;

  const finish = (entry: OpenRequest, reply: HttpReply): void => {
    release(entry);
    entry.client.post({ kind: 'reply', id: entry.clientId, reply });
  };
  const release = (entry: OpenRequest): void => {
    timers.clear(entry.timer);
    open.delete(entry.id);
  };
  const attempt = (entry: OpenRequest, lastFailure: HttpReply): void => {
    const node =
      entry.tried.size < limits.maxAttempts
        ? chooseNode(nodesFor(nodes, entry.subnetId, topology), entry, limits.maxLagHeights)
        : undefined;
    if (node === undefined) {
      finish(entry, lastFailure);
      return;
    }
    entry.tried.add(node.nodeId);
    entry.node = node.nodeId;
    entry.timer = timers.set(limits.attemptTimeoutMs, () => {
      node.port.post({ kind: 'cancel', id: entry.id });
      attempt(entry, boundaryFailure(504, 'upstream_timeout', 'the node did not answer in time'));
    });
    node.port.post({ kind: 'request', id: entry.id, request: entry.request });
  };
  const onReply = (nodeId: string, message: GatewayReply): void => {
    const entry = open.get(message.id);
    if (entry === undefined || entry.node !== nodeId) {
      return;
    }
    timers.clear(entry.timer);
    if (message.reply.status >= 500) {
      attempt(entry, message.reply);
    } else {
      finish(entry, message.reply);
    }
  };
  const onRequest = (
    client: PortLike<GatewayRequest, GatewayReply>,
    clientId: number,
    request: HttpRequest,
  ): void => {
    const route = topology === undefined ? ANYWHERE : routeRequest(topology, request);
    nextId += 1;
    const entry: OpenRequest = {
      id: nextId,
      clientId,
      client,
      request,
      subnetId: route.kind === 'subnet' ? route.subnetId : null,
      tried: new Set(),
      node: undefined,
      timer: timers.set(0, () => undefined),
    };
    open.set(entry.id, entry);
    if (request.body.length > limits.maxBodyBytes) {
      finish(entry, boundaryFailure(413, 'body_too_large', `over ${limits.maxBodyBytes} bytes`));
    } else if (open.size > limits.maxOpenRequests) {
      const full = `${limits.maxOpenRequests} requests are open`;
      finish(entry, boundaryFailure(429, 'rate_limited', full));
    } else if (route.kind === 'refused') {
      finish(entry, route.reply);
    } else {
      attempt(entry, boundaryFailure(503, 'no_healthy_nodes', NO_HEALTHY_NODES));
    }
  };
  const onCancel = (client: unknown, clientId: number): void => {
    for (const entry of open.values()) {
      if (entry.client === client && entry.clientId === clientId) {
        release(entry);
        nodes.get(entry.node ?? '')?.port.post({ kind: 'cancel', id: entry.id });
      }
    }
  };

  return {
    setTopology: (next) => {
      topology = next;
    },
    addNode: (nodeId, port, subnetId) => {
      nodes.get(nodeId)?.port.close();
      const node: NodeEntry = { nodeId, subnetId, port, certifiedHeight: 0 };
      nodes.set(nodeId, node);
      port.listen((message) => {
        if (message.kind === 'health') {
          node.certifiedHeight = message.certifiedHeight;
        } else {
          onReply(nodeId, message);
        }
      });
    },
    removeNode: (nodeId) => {
      nodes.get(nodeId)?.port.close();
      nodes.delete(nodeId);
      for (const entry of [...open.values()]) {
        if (entry.node === nodeId) {
          timers.clear(entry.timer);
          const gone = 'the node stopped while it was answering';
          attempt(entry, boundaryFailure(502, 'upstream_gone', gone));
        }
      }
    },
    serve: (client) => {
      client.listen((message) => {
        if (message.kind === 'cancel') {
          onCancel(client, message.id);
        } else {
          onRequest(client, message.id, message.request);
        }
      });
    },
  };
}

const ANYWHERE = { kind: 'any' } as const;
/** The words of the IC's boundary nodes. */
const NO_HEALTHY_NODES =
  'There are currently no healthy replica nodes available to handle the request. This may be due to an ongoing upgrade of the replica software in the subnet. Please try again later.';

/** The nodes of a subnet; where any will do those of the root subnet, or all when none of it runs. */
function nodesFor(
  nodes: ReadonlyMap<string, NodeEntry>,
  subnetId: SubnetId | null,
  topology: NetworkTopology | undefined,
): readonly NodeEntry[] {
  const all = [...nodes.values()];
  const of = (id: SubnetId | undefined): readonly NodeEntry[] =>
    all.filter((node) => node.subnetId === id);
  if (subnetId !== null) {
    return of(subnetId);
  }
  const root = of(topology?.rootSubnetId);
  return root.length === 0 ? all : root;
}

/**
 * A healthy node, the same one for the same canister as long as it is healthy, so that a client
 * reads what it wrote; different canisters spread over the nodes (rendezvous hashing).
 */
function chooseNode(
  nodes: readonly NodeEntry[],
  { request, tried }: OpenRequest,
  maxLagHeights: number,
): NodeEntry | undefined {
  const key = ROUTE.exec(request.path)?.[1] ?? '';
  const best = Math.max(0, ...nodes.map((node) => node.certifiedHeight));
  return nodes
    .filter((node) => !tried.has(node.nodeId))
    .map((node) => ({
      node,
      behind: best - node.certifiedHeight > maxLagHeights,
      weight: fnv1a(`${key}/${node.nodeId}`),
    }))
    .sort(
      (a, b) =>
        Number(a.behind) - Number(b.behind) ||
        a.weight - b.weight ||
        compareText(a.node.nodeId, b.node.nodeId),
    )[0]?.node;
}

/** FNV-1a, 32 bits: spreads keys, protects nothing. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  // One more round of mixing: the last characters hardly reach the high bits.
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
