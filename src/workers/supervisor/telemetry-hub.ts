import type { CanisterFacts } from '../../protocol/interfaces/trace.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NodeHeights } from '../../wire/network.ts';
import { createRecentFacts } from '../../wire/recent-facts.ts';
import {
  type HostEvent,
  TELEMETRY_VERSION,
  type TelemetryBatch,
  type TelemetryEvent,
} from '../../wire/telemetry.ts';

type Listener = (batch: TelemetryBatch) => void;

export interface TelemetryHub {
  /** A batch from a node worker. */
  take(batch: TelemetryBatch): void;
  /** Facts of the host itself; sent at once. */
  report(...events: readonly HostEvent[]): void;
  subscribe(listener: Listener, opening: () => readonly HostEvent[]): () => void;
  /** Called with every batch before subscribers: for the checkers and whoever waits. */
  observe(observer: Listener): void;
  heightsOf(nodeId: NodeId): NodeHeights | undefined;
  canisters(): readonly CanisterFacts[];
}

/** Batches kept for later subscribers: some seconds of four nodes. */
const KEPT_BATCHES = 200;
const MAX_CANISTERS = 1_000;

/** Brings telemetry of all nodes to subscribers; a late one first hears the newest facts. */
export function createTelemetryHub(nowNs: () => bigint): TelemetryHub {
  const listeners = new Set<Listener>();
  const observers: Listener[] = [];
  const kept: TelemetryBatch[] = [];
  const heights = new Map<NodeId, NodeHeights>();
  const canisters = new Map<string, CanisterFacts>();
  const recent = createRecentFacts();
  let seq = 0;

  const remember = (event: TelemetryEvent): void => {
    recent.remember(event);
    if (event.kind === 'nodeHeights') {
      heights.set(event.nodeId, event.heights);
    } else if (event.kind === 'canisterChanged') {
      const { canister } = event;
      const known = canisters.get(canister.canisterId);
      const isNews = known === undefined ? canisters.size < MAX_CANISTERS : true;
      if (isNews && (known === undefined || known.version <= canister.version)) {
        canisters.set(canister.canisterId, canister);
      }
    }
  };
  const publish = (batch: TelemetryBatch): void => {
    batch.events.forEach(remember);
    kept.push(batch);
    if (kept.length > KEPT_BATCHES) {
      kept.shift();
    }
    for (const observer of observers) {
      observer(batch);
    }
    for (const listener of listeners) {
      listener(batch);
    }
  };
  const canisterEvents = (): readonly TelemetryEvent[] =>
    [...canisters.values()].map((canister) => ({ kind: 'canisterChanged', height: 0, canister }));
  const hostBatch = (events: readonly TelemetryEvent[]): TelemetryBatch => {
    const batch: TelemetryBatch = {
      v: TELEMETRY_VERSION,
      seq,
      from: 'host',
      atNs: nowNs(),
      events,
      dropped: 0,
    };
    seq += 1;
    return batch;
  };

  return {
    take: publish,
    report: (...events) => publish(hostBatch(events)),
    subscribe: (listener, opening) => {
      for (const batch of kept) {
        listener(batch);
      }
      const heightEvents = [...heights].map(
        ([nodeId, newest]): HostEvent => ({ kind: 'nodeHeights', nodeId, heights: newest }),
      );
      listener(hostBatch([...opening(), ...heightEvents, ...canisterEvents(), ...recent.facts()]));
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    observe: (observer) => {
      observers.push(observer);
    },
    heightsOf: (nodeId) => heights.get(nodeId),
    canisters: () => [...canisters.values()],
  };
}
