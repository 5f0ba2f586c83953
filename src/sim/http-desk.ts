import type { HttpReply, HttpRequest, NodeInput, NodeStatus } from '../protocol/node/node-io.ts';

/** Gives clients' requests to healthy nodes, and to others when a node goes down over one. */
export interface HttpDesk<Node> {
  /** Answered when virtual time is driven on; null = no node could. */
  open(request: HttpRequest): { readonly reply: Promise<HttpReply | null>; cancel(): void };
  answered(requestId: number, reply: HttpReply): void;
  /** Its open requests go to other nodes: they are idempotent, calls by their request id. */
  stopped(node: Node): void;
  /** Hands out what waits for a node. */
  dispatch(): void;
}

export interface HttpDeskPorts<Node> {
  readonly nodes: () => readonly Node[];
  /** Undefined while the node is not running. */
  readonly statusOf: (node: Node) => NodeStatus | undefined;
  readonly give: (node: Node, input: NodeInput) => void;
  /** Unique among all that nodes are asked. */
  readonly nextRequestId: () => number;
}

interface OpenRequest<Node> {
  readonly request: HttpRequest;
  readonly resolve: (reply: HttpReply | null) => void;
  /** Null while no node can serve it. */
  node: Node | null;
  attempts: number;
}

const MAX_HTTP_ATTEMPTS = 3;
/** A node this far behind the best is not asked by clients. */
const HEALTHY_WITHIN_HEIGHTS = 5;

export function createHttpDesk<Node>(ports: HttpDeskPorts<Node>): HttpDesk<Node> {
  const requests = new Map<number, OpenRequest<Node>>();
  let nextGateway = 0;

  /** A running node with a certified state that is not far behind the best, and its delegation. */
  const chooseGateway = (): Node | undefined => {
    const statuses = ports.nodes().flatMap((node) => {
      const status = ports.statusOf(node);
      const isReady = status !== undefined && status.certified > 0 && status.hasDelegation;
      return isReady ? [{ node, status }] : [];
    });
    const best = Math.max(0, ...statuses.map(({ status }) => status.executed));
    const healthy = statuses.filter(
      ({ status }) => status.executed + HEALTHY_WITHIN_HEIGHTS >= best,
    );
    nextGateway += 1;
    return healthy[nextGateway % Math.max(1, healthy.length)]?.node;
  };

  /** With no node left, nobody ever will. */
  const dispatch = (): void => {
    for (const [requestId, open] of [...requests]) {
      if (open.node !== null) {
        continue;
      }
      const node = chooseGateway();
      const anyRuns = ports.nodes().some((candidate) => ports.statusOf(candidate) !== undefined);
      const hopeless = open.attempts >= MAX_HTTP_ATTEMPTS || !anyRuns;
      if (node !== undefined && !hopeless) {
        open.node = node;
        open.attempts += 1;
        ports.give(node, { kind: 'httpRequest', requestId, request: open.request });
      } else if (hopeless) {
        requests.delete(requestId);
        open.resolve(null);
      }
    }
  };

  const cancel = (requestId: number): void => {
    const open = requests.get(requestId);
    if (open !== undefined) {
      requests.delete(requestId);
      if (open.node !== null) {
        ports.give(open.node, { kind: 'httpCancelled', requestId });
      }
      open.resolve(null);
    }
  };

  return {
    open(request) {
      const requestId = ports.nextRequestId();
      const reply = new Promise<HttpReply | null>((resolve) => {
        requests.set(requestId, { request, resolve, node: null, attempts: 0 });
        dispatch();
      });
      return {
        reply,
        cancel: () => {
          cancel(requestId);
        },
      };
    },
    answered(requestId, reply) {
      const open = requests.get(requestId);
      requests.delete(requestId);
      open?.resolve(reply);
    },
    stopped(node) {
      for (const open of requests.values()) {
        if (open.node === node) {
          open.node = null;
        }
      }
      dispatch();
    },
    dispatch,
  };
}
