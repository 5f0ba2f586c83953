import { type CodedError, codedError } from '../../base/result.ts';
import {
  FETCH_TIMEOUT_MS,
  MAX_FETCH_REPLY_BYTES,
  MAX_FETCH_REQUEST_BYTES,
  MAX_OPEN_FETCHES,
} from '../../protocol/limits/fetch.ts';
import type { HttpReply, HttpRequest } from '../../protocol/node/node-io.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkClock } from '../clock/network-clock.ts';
import type { Scheduler } from '../clock/scheduler.ts';
import {
  decodeFetchMessage,
  encodeFetchMessage,
  type FetchMessage,
  type FetchMessageError,
  MAX_FETCH_PATH_BYTES,
} from './fetch-message.ts';

/**
 * Requests between nodes of different subnets, both ends: asks and serves. Packets may be lost,
 * late or doubled, as the links between the two nodes have it: the asking node repeats itself, the
 * serving one keeps its reply until it is needed no more.
 */
export interface FetchDesk {
  /** `done` is called once, in a later turn; null = no answer came, or none could. */
  fetch(to: NodeId, request: HttpRequest, done: (reply: HttpReply | null) => void): void;
  /** A packet from a node of another subnet: hostile. */
  take(from: NodeId, bytes: Uint8Array): void;
  /** That node was ended: it answers nothing that is open. */
  peerGone(nodeId: NodeId): void;
}

export type FetchDeskError = FetchMessageError | CodedError<'TOO_MANY_FETCHES'>;

export interface FetchDeskDeps {
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  /** New for each start of the node: answers to its former life are nobody's. */
  readonly firstId: number;
  /** Whether it is a node of another subnet. */
  isPeer(nodeId: NodeId): boolean;
  /** Puts a packet on the link to a peer. */
  send(to: NodeId, bytes: Uint8Array): void;
  /** Answers a request of another node; returns what withdraws it. */
  serve(from: NodeId, request: HttpRequest, onReply: (reply: HttpReply) => void): () => void;
  onRejected(from: NodeId, error: FetchDeskError): void;
}

interface OpenFetch {
  readonly to: NodeId;
  end(reply: HttpReply | null): void;
}

interface Served {
  /** Undefined until there is one. */
  reply: Uint8Array | undefined;
  withdraw(): void;
  forget(): void;
}

/** After a round trip around the world on a bad day; twice as late each time. */
const FIRST_RETRY_MS = 1_000;
/** Requests of one node that are being served, or whose reply is kept. */
const MAX_SERVED_OF_NODE = MAX_OPEN_FETCHES;
const MAX_SERVED = 128;
const MAX_ID = 2 ** 48;

export function createFetchDesk(deps: FetchDeskDeps): FetchDesk {
  const open = new Map<number, OpenFetch>();
  const server = createServer(deps);
  let nextId = deps.firstId;

  const after = (ms: number, task: () => void): (() => void) =>
    deps.scheduler.at(deps.clock.nowNs() + BigInt(ms) * 1_000_000n, task);

  const begin = (to: NodeId, request: HttpRequest, done: OpenFetch['end']): void => {
    const id = nextId;
    nextId = (nextId + 1) % MAX_ID;
    const packet = encodeFetchMessage({ kind: 'request', id, request });
    let cancelRetry = (): void => undefined;
    const cancelEnd = after(FETCH_TIMEOUT_MS, () => end(null));
    const end = (reply: HttpReply | null): void => {
      open.delete(id);
      cancelRetry();
      cancelEnd();
      deps.send(to, encodeFetchMessage({ kind: 'done', id }));
      done(reply);
    };
    const attempt = (retryMs: number): void => {
      deps.send(to, packet);
      cancelRetry = after(retryMs, () => attempt(2 * retryMs));
    };
    open.set(id, { to, end });
    attempt(FIRST_RETRY_MS);
  };

  return {
    fetch: (to, request, done) => {
      const isSound =
        deps.isPeer(to) &&
        request.body.length <= MAX_FETCH_REQUEST_BYTES &&
        request.path.length <= MAX_FETCH_PATH_BYTES;
      if (isSound && open.size < MAX_OPEN_FETCHES) {
        begin(to, request, done);
      } else {
        after(0, () => done(null));
      }
    },
    take: (from, bytes) => {
      const decoded = decodeFetchMessage(bytes);
      if (!decoded.ok) {
        deps.onRejected(from, decoded.error);
        return;
      }
      const message = decoded.value;
      if (message.kind !== 'reply') {
        server.take(from, message);
        return;
      }
      const fetch = open.get(message.id);
      if (fetch?.to === from) {
        fetch.end(message.reply);
      } else {
        // The other node did not hear that it is done.
        deps.send(from, encodeFetchMessage({ kind: 'done', id: message.id }));
      }
    },
    peerGone: (nodeId) => {
      for (const fetch of [...open.values()]) {
        if (fetch.to === nodeId) {
          fetch.end(null);
        }
      }
      server.peerGone(nodeId);
    },
  };
}

/** The serving half. A request that comes again while its reply is kept gets that one. */
function createServer(deps: FetchDeskDeps) {
  /** By asking node, then by its id. */
  const served = new Map<NodeId, Map<number, Served>>();

  const countAll = (): number => [...served.values()].reduce((sum, { size }) => sum + size, 0);
  const remove = (from: NodeId, id: number): void => {
    const ofNode = served.get(from);
    const entry = ofNode?.get(id);
    ofNode?.delete(id);
    if (ofNode?.size === 0) {
      served.delete(from);
    }
    entry?.forget();
    entry?.withdraw();
  };
  const answer = (from: NodeId, id: number, entry: Served, reply: HttpReply): void => {
    if (reply.body.length > MAX_FETCH_REPLY_BYTES) {
      remove(from, id);
      return;
    }
    entry.withdraw = () => undefined;
    entry.reply = encodeFetchMessage({ kind: 'reply', id, reply });
    deps.send(from, entry.reply);
  };
  const begin = (from: NodeId, id: number, request: HttpRequest): void => {
    const ofNode = served.get(from) ?? new Map<number, Served>();
    if (ofNode.size >= MAX_SERVED_OF_NODE || countAll() >= MAX_SERVED) {
      const message = `${ofNode.size} requests of this node are being served`;
      deps.onRejected(from, codedError('limit', 'TOO_MANY_FETCHES', message));
      return;
    }
    const deadlineNs = deps.clock.nowNs() + BigInt(FETCH_TIMEOUT_MS) * 1_000_000n;
    const forget = deps.scheduler.at(deadlineNs, () => remove(from, id));
    const entry: Served = { reply: undefined, withdraw: () => undefined, forget };
    served.set(from, ofNode.set(id, entry));
    entry.withdraw = deps.serve(from, request, (reply) => {
      if (served.get(from)?.get(id) === entry) {
        answer(from, id, entry, reply);
      }
    });
  };

  return {
    take: (from: NodeId, message: FetchMessage & { readonly kind: 'request' | 'done' }): void => {
      const known = served.get(from)?.get(message.id);
      if (message.kind === 'done') {
        remove(from, message.id);
      } else if (known === undefined) {
        begin(from, message.id, message.request);
      } else if (known.reply !== undefined) {
        deps.send(from, known.reply);
      }
    },
    peerGone: (nodeId: NodeId): void => {
      for (const id of [...(served.get(nodeId)?.keys() ?? [])]) {
        remove(nodeId, id);
      }
    },
  };
}
