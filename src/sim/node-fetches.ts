import type { HttpReply, HttpRequest, NodeInput } from '../protocol/node/node-io.ts';
import {
  FETCH_TIMEOUT_MS,
  MAX_FETCH_REPLY_BYTES,
  MAX_FETCH_REQUEST_BYTES,
  MAX_OPEN_FETCHES,
} from '../protocol/limits/fetch.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { Delivery } from './packet-simulator.ts';

/**
 * Requests of nodes to nodes of other subnets: each one a connection of its own over the link
 * between the two. What the link loses is sent again, later each time, as TCP does it; what is not
 * answered in time, or by a node that ends, is answered by nobody.
 */
export interface NodeFetches<Node> {
  begin(node: Node, fetch: Fetch): void;
  happen(event: FetchEvent): void;
  /** Takes the answer of a serving node; false when the request is not one of these. */
  answered(requestId: number, reply: HttpReply): boolean;
  stopped(node: Node): void;
}

export interface Fetch {
  readonly operationId: number;
  readonly to: NodeId;
  readonly request: HttpRequest;
}

/** Something of a fetch is due: the next try of a message, its arrival, or the end. */
export interface FetchEvent {
  readonly kind: 'fetch';
  readonly requestId: number;
  readonly step: 'try' | 'arrive' | 'expire';
}

export interface NodeFetchPorts<Node> {
  readonly nowNs: () => number;
  readonly nodeOf: (id: NodeId) => Node | undefined;
  readonly idOf: (node: Node) => NodeId;
  readonly isRunning: (node: Node) => boolean;
  readonly nextRequestId: () => number;
  readonly give: (node: Node, input: NodeInput) => void;
  readonly send: (from: NodeId, to: NodeId, bytes: number) => Delivery;
  readonly schedule: (atNs: number, event: FetchEvent) => void;
}

interface OpenFetch<Node> {
  readonly requestId: number;
  readonly operationId: number;
  readonly client: Node;
  readonly server: Node;
  readonly request: HttpRequest;
  /** Null until the server has answered. */
  reply: HttpReply | null;
  /** The server has the request. */
  isServed: boolean;
  tries: number;
}

const NS_PER_MS = 1_000_000;
const FIRST_RETRY_NS = 200 * NS_PER_MS;
/** Headers of a request or a reply, about. */
const HEAD_BYTES = 200;

export function createNodeFetches<Node>(ports: NodeFetchPorts<Node>): NodeFetches<Node> {
  const open = new Map<number, OpenFetch<Node>>();

  const end = (fetch: OpenFetch<Node>, reply: HttpReply | null): void => {
    open.delete(fetch.requestId);
    if (fetch.isServed && fetch.reply === null) {
      ports.give(fetch.server, { kind: 'httpCancelled', requestId: fetch.requestId });
    }
    ports.give(fetch.client, { kind: 'fetched', operationId: fetch.operationId, reply });
  };

  /** Puts the request, or the reply once there is one, on the link. */
  const attempt = (fetch: OpenFetch<Node>): void => {
    const { requestId, client, server, request, reply } = fetch;
    const [from, to] = reply === null ? [client, server] : [server, client];
    const bytes = HEAD_BYTES + (reply === null ? request : reply).body.length;
    const [atNs] = ports.send(ports.idOf(from), ports.idOf(to), bytes).arrivalsNs;
    if (atNs === undefined) {
      const retryNs = ports.nowNs() + FIRST_RETRY_NS * 2 ** fetch.tries;
      fetch.tries += 1;
      ports.schedule(retryNs, { kind: 'fetch', requestId, step: 'try' });
    } else {
      ports.schedule(atNs, { kind: 'fetch', requestId, step: 'arrive' });
    }
  };

  const arrive = (fetch: OpenFetch<Node>): void => {
    const { requestId, client, server, request, reply } = fetch;
    if (reply !== null) {
      end(fetch, reply);
    } else if (ports.isRunning(server)) {
      fetch.isServed = true;
      ports.give(server, { kind: 'httpRequest', requestId, request, from: ports.idOf(client) });
    } else {
      end(fetch, null);
    }
  };

  const openOf = (node: Node): readonly OpenFetch<Node>[] =>
    [...open.values()].filter((fetch) => fetch.client === node);

  return {
    begin(client, { operationId, to, request }) {
      const server = ports.nodeOf(to);
      const refused =
        server === undefined ||
        server === client ||
        request.body.length > MAX_FETCH_REQUEST_BYTES ||
        openOf(client).length >= MAX_OPEN_FETCHES;
      if (refused) {
        ports.give(client, { kind: 'fetched', operationId, reply: null });
        return;
      }
      const requestId = ports.nextRequestId();
      const deadlineNs = ports.nowNs() + FETCH_TIMEOUT_MS * NS_PER_MS;
      const state = { reply: null, isServed: false, tries: 0 };
      const fetch = { requestId, operationId, client, server, request, ...state };
      open.set(requestId, fetch);
      ports.schedule(deadlineNs, { kind: 'fetch', requestId, step: 'expire' });
      attempt(fetch);
    },
    happen({ requestId, step }) {
      const fetch = open.get(requestId);
      if (fetch === undefined) {
        return;
      }
      switch (step) {
        case 'try':
          attempt(fetch);
          return;
        case 'arrive':
          arrive(fetch);
          return;
        case 'expire':
          end(fetch, null);
      }
    },
    answered(requestId, reply) {
      const fetch = open.get(requestId);
      if (fetch === undefined) {
        return false;
      }
      if (reply.body.length > MAX_FETCH_REPLY_BYTES) {
        end(fetch, null);
        return true;
      }
      fetch.reply = reply;
      fetch.tries = 0;
      attempt(fetch);
      return true;
    },
    stopped(node) {
      for (const fetch of [...open.values()]) {
        if (fetch.client === node || fetch.server === node) {
          end(fetch, null);
        }
      }
    },
  };
}
