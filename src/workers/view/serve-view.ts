import type { ArtifactReference, Network } from '../../wire/network.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import {
  type ToOwner,
  VIEW_VERSION,
  type ViewChannel,
  type ViewFacts,
  type ViewQuestion,
  type ViewRequest,
  type ViewResponse,
} from './view-messages.ts';

/** A hidden tab's timers run once a minute. */
const FORGOTTEN_MS = 150_000;
const MAX_VIEWERS = 8;

interface Viewer {
  stop(): void;
  seenMs: number;
}

/**
 * Shows a network that runs here to other tabs: its telemetry, and answers to what changes nothing.
 * @param onHandOver another tab wants to run it; ending it here is the caller's business
 * @returns what ends it
 */
export function serveView(
  network: Network,
  channel: ViewChannel,
  { nowMs, onHandOver }: { nowMs(): number; onHandOver(): void },
): () => void {
  const viewers = new Map<string, Viewer>();
  const drop = (viewer: string): void => {
    viewers.get(viewer)?.stop();
    viewers.delete(viewer);
  };
  const facts = (): ViewFacts => ({
    spec: network.spec,
    rootKey: network.rootKey(),
    topology: network.topology(),
    clock: network.clock.now(),
    records: network.topology().subnets.map(({ subnetId }) => network.registry.record(subnetId)),
  });
  const watch = (viewer: string): void => {
    channel.post({ v: VIEW_VERSION, kind: 'facts', viewer, facts: facts() });
    const known = viewers.get(viewer);
    if (known !== undefined) {
      known.seenMs = nowMs();
    } else if (viewers.size < MAX_VIEWERS) {
      const stop = network.events.subscribe((batch) => {
        channel.post({ v: VIEW_VERSION, kind: 'batch', viewer, batch });
      });
      viewers.set(viewer, { stop, seenMs: nowMs() });
    }
    for (const [other, { seenMs }] of viewers) {
      if (nowMs() - seenMs > FORGOTTEN_MS) {
        drop(other);
      }
    }
  };
  channel.listen((data) => {
    const message = Object(data) as ToOwner;
    if (message.v !== VIEW_VERSION || typeof message.viewer !== 'string') {
      return;
    }
    switch (message.kind) {
      case 'watch':
        watch(message.viewer);
        return;
      case 'leave':
        drop(message.viewer);
        return;
      case 'handOver':
        onHandOver();
        return;
      case 'ask': {
        const { viewer, id, question } = message;
        void answer(network, question)
          .catch(() => undefined)
          .then((value) => channel.post({ v: VIEW_VERSION, kind: 'answer', viewer, id, value }));
        return;
      }
      default:
        // What only viewers hear.
        message satisfies never;
    }
  });
  return () => {
    for (const viewer of [...viewers.keys()]) {
      drop(viewer);
    }
    channel.close();
  };
}

async function answer(network: Network, question: ViewQuestion): Promise<unknown> {
  switch (question.method) {
    case 'snapshot':
      return network.snapshot();
    case 'block':
      return network.inspect.block(question.argument as HashHex);
    case 'artifact':
      return network.inspect.artifact(question.argument as ArtifactReference);
    case 'verify':
      return network.inspect.verify(question.argument as ArtifactReference);
    case 'fetch':
      return isRead(question.argument.url) ? fetchFor(network, question.argument) : undefined;
    default:
      question satisfies never;
      return undefined;
  }
}

/** Of the IC's HTTP interface: what no node remembers. */
export function isRead(url: string): boolean {
  const { pathname } = new URL(url, 'http://view.test');
  return /^\/api\/v\d+\/((canister|subnet)\/[^/]+\/(query|read_state)|status)$/u.test(pathname);
}

async function fetchFor(network: Network, request: ViewRequest): Promise<ViewResponse> {
  const { url, method, headers, body } = request;
  const response = await network.fetch(url, {
    method,
    headers: headers.map(([name, value]) => [name, value]),
    ...(body === null ? {} : { body }),
  });
  return {
    status: response.status,
    headers: [...response.headers],
    body: new Uint8Array(await response.arrayBuffer()),
  };
}
