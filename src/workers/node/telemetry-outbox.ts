import type { TraceEvent } from '../../protocol/interfaces/trace.ts';
import type { Transmit } from '../../protocol/node/node-io.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NodeHeights } from '../../wire/network.ts';
import {
  type HostEvent,
  MAX_EVENTS_PER_BATCH,
  PACKET_CONTENTS,
  type PacketContent,
  TELEMETRY_INTERVAL_MS,
  TELEMETRY_VERSION,
  type TelemetryBatch,
  type TelemetryEvent,
} from '../../wire/telemetry.ts';
import type { HostTimers } from '../clock/scheduler.ts';
import type { DropCause } from '../transport/link-table.ts';

export interface TelemetryOutbox {
  trace(events: readonly TraceEvent[]): void;
  sent(transmits: readonly Transmit[]): void;
  linkDropped(from: NodeId, cause: DropCause): void;
  heights(heights: NodeHeights): void;
  /** Sends what there is now: before the worker ends. */
  flush(): void;
  close(): void;
}

export interface TelemetryOutboxDeps {
  readonly nodeId: NodeId;
  readonly timers: HostTimers;
  nowNs(): bigint;
  post(batch: TelemetryBatch): void;
}

/** Room that facts leave for the summaries of packets and heights. */
const SUMMARY_EVENTS = 100;
const MAX_FACTS = MAX_EVENTS_PER_BATCH - SUMMARY_EVENTS;

const CONTENTS: ReadonlySet<string> = new Set(PACKET_CONTENTS);

/** Gathers facts and sends them in batches, at most one per telemetry interval; nothing, no batch. */
export function createTelemetryOutbox(deps: TelemetryOutboxDeps): TelemetryOutbox {
  let facts: TelemetryEvent[] = [];
  let dropped = 0;
  let seq = 0;
  let timer: unknown;
  let newHeights: NodeHeights | undefined;
  let postedHeights = '';
  const sentBy = new Map<string, Mutable<HostEvent & { readonly kind: 'packetsSent' }>>();
  const droppedBy = new Map<string, Mutable<HostEvent & { readonly kind: 'packetsDropped' }>>();

  const flush = (): void => {
    const summaries: HostEvent[] = [...sentBy.values(), ...droppedBy.values()];
    if (newHeights !== undefined) {
      summaries.push({ kind: 'nodeHeights', nodeId: deps.nodeId, heights: newHeights });
      newHeights = undefined;
    }
    const kept = summaries.slice(-SUMMARY_EVENTS);
    const events = [...facts, ...kept];
    dropped += summaries.length - kept.length;
    sentBy.clear();
    droppedBy.clear();
    if (events.length === 0 && dropped === 0) {
      return;
    }
    const { nodeId: from } = deps;
    deps.post({ v: TELEMETRY_VERSION, seq, from, atNs: deps.nowNs(), events, dropped });
    seq += 1;
    facts = [];
    dropped = 0;
  };
  const arm = (): void => {
    timer ??= deps.timers.set(TELEMETRY_INTERVAL_MS, () => {
      timer = undefined;
      flush();
    });
  };

  return {
    trace: (events) => {
      for (const event of events) {
        if (facts.length < MAX_FACTS) {
          facts.push(event);
        } else {
          dropped += 1;
        }
      }
      if (events.length > 0) {
        arm();
      }
    },
    sent: (transmits) => {
      for (const { to, bytes, contents } of transmits) {
        const total = contents.reduce((sum, { count }) => sum + count, 0);
        for (const { content, count } of contents) {
          if (CONTENTS.has(content)) {
            // A packet that carries several things is shared out among them by their number.
            const share = Math.round((bytes.length * count) / total);
            addSent(sentBy, deps.nodeId, to, content as PacketContent, count, share);
          }
        }
      }
      if (transmits.length > 0) {
        arm();
      }
    },
    linkDropped: (from, cause) => {
      const key = `${from}/${cause}`;
      const known = droppedBy.get(key);
      if (known === undefined) {
        droppedBy.set(key, { kind: 'packetsDropped', from, to: deps.nodeId, count: 1, cause });
      } else {
        known.count += 1;
      }
      arm();
    },
    heights: (heights) => {
      const { notarized, finalized, executed, certified, catchUpPackage } = heights;
      const text = [notarized, finalized, executed, certified, catchUpPackage].join();
      if (text !== postedHeights) {
        postedHeights = text;
        newHeights = heights;
        arm();
      }
    },
    flush,
    close: () => {
      if (timer !== undefined) {
        deps.timers.clear(timer);
      }
    },
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function addSent(
  sentBy: Map<string, Mutable<HostEvent & { readonly kind: 'packetsSent' }>>,
  from: NodeId,
  to: NodeId | 'all',
  content: PacketContent,
  count: number,
  bytes: number,
): void {
  const key = `${to}/${content}`;
  const known = sentBy.get(key);
  if (known === undefined) {
    sentBy.set(key, { kind: 'packetsSent', from, to, content, count, bytes });
  } else {
    known.count += count;
    known.bytes += bytes;
  }
}
