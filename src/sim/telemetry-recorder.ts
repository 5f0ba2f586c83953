import type { CanisterFacts } from '../protocol/interfaces/trace.ts';
import type { PacketSummary } from '../protocol/node/node-io.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import { createRecentFacts } from '../wire/recent-facts.ts';
import { MAX_EVENTS_PER_BATCH, PACKET_CONTENTS, TELEMETRY_VERSION } from '../wire/telemetry.ts';
import type {
  HostEvent,
  PacketContent,
  TelemetryBatch,
  TelemetryEvent,
} from '../wire/telemetry.ts';

type Sender = NodeId | 'host';
type Listener = (batch: TelemetryBatch) => void;

/** Gathers facts by sender and hands them to subscribers in bounded batches. */
export interface TelemetryRecorder {
  record(from: Sender, event: TelemetryEvent): void;
  packets(
    from: NodeId,
    to: NodeId | 'all',
    contents: readonly PacketSummary[],
    bytes: number,
  ): void;
  flush(atNs: bigint): void;
  /** @param opening facts the listener gets first */
  subscribe(listener: Listener, opening: readonly TelemetryEvent[], atNs: bigint): () => void;
  canisters(): readonly CanisterFacts[];
  /** Of streams and calls. */
  recent(): readonly TelemetryEvent[];
}

interface Lane {
  seq: number;
  dropped: number;
  events: TelemetryEvent[];
  packets: Map<string, HostEvent & { readonly kind: 'packetsSent' }>;
}

function contentOf(content: string): PacketContent {
  return (PACKET_CONTENTS as readonly string[]).includes(content)
    ? (content as PacketContent)
    : 'advert';
}

export function createTelemetryRecorder(): TelemetryRecorder {
  const lanes = new Map<Sender, Lane>();
  const listeners = new Set<Listener>();
  const canisters = new Map<string, CanisterFacts>();
  const recent = createRecentFacts();

  const laneOf = (from: Sender): Lane => {
    const lane = lanes.get(from) ?? { seq: 0, dropped: 0, events: [], packets: new Map() };
    lanes.set(from, lane);
    return lane;
  };

  /** The newest word on a canister counts, whichever node says it first. */
  const remember = (event: TelemetryEvent): void => {
    recent.remember(event);
    if (event.kind === 'canisterChanged') {
      const known = canisters.get(event.canister.canisterId);
      if (known === undefined || known.version <= event.canister.version) {
        canisters.set(event.canister.canisterId, event.canister);
      }
    }
  };

  const close = (from: Sender, lane: Lane, atNs: bigint): TelemetryBatch | undefined => {
    const events = [...lane.events, ...lane.packets.values()];
    if (events.length === 0 && lane.dropped === 0) {
      return undefined;
    }
    const { seq, dropped } = lane;
    lane.seq += 1;
    lane.dropped = 0;
    lane.events = [];
    lane.packets = new Map();
    return { v: TELEMETRY_VERSION, seq, from, atNs, events, dropped };
  };

  return {
    record(from, event) {
      remember(event);
      if (listeners.size === 0) {
        return;
      }
      const lane = laneOf(from);
      if (lane.events.length < MAX_EVENTS_PER_BATCH) {
        lane.events.push(event);
      } else {
        lane.dropped += 1;
      }
    },
    packets(from, to, contents, bytes) {
      if (listeners.size === 0) {
        return;
      }
      const lane = laneOf(from);
      for (const summary of contents) {
        const content = contentOf(summary.content);
        const key = `${to}/${content}`;
        const known = lane.packets.get(key);
        const count = (known?.count ?? 0) + summary.count;
        const size = (known?.bytes ?? 0) + bytes;
        lane.packets.set(key, { kind: 'packetsSent', from, to, content, count, bytes: size });
      }
    },
    flush(atNs) {
      for (const [from, lane] of lanes) {
        const batch = close(from, lane, atNs);
        if (batch !== undefined) {
          for (const listener of listeners) {
            listener(batch);
          }
        }
      }
    },
    subscribe(listener, opening, atNs) {
      const lane = laneOf('host');
      const { seq } = lane;
      lane.seq += 1;
      listener({ v: TELEMETRY_VERSION, seq, from: 'host', atNs, events: opening, dropped: 0 });
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    canisters: () => [...canisters.values()],
    recent: recent.facts,
  };
}
