import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import { KEPT_CALLS, KEPT_MESSAGES, KEPT_MOVES } from './projection.ts';
import { keepLast } from './projection-edits.ts';
import type { TelemetryEvent } from './telemetry.ts';

/** What a host tells a late subscriber of streams and calls, so that it sees what the others see. */
export interface RecentFacts {
  /** Nodes report alike: what is known already changes nothing. */
  remember(event: TelemetryEvent): void;
  /** Oldest first; as many as a projection keeps. */
  facts(): readonly TraceEvent[];
}

type StreamFact = TraceEvent & { readonly kind: 'streamAdvanced' | 'streamRestored' };
type CallFact = TraceEvent & { readonly kind: 'callMade' | 'callAnswered' | 'messageExecuted' };

/** Of all subnets together. */
const MAX_CALL_FACTS = 2 * KEPT_CALLS + KEPT_MESSAGES;
/** Between subnets; six subnets have thirty. */
const MAX_STREAMS = 200;

export function createRecentFacts(): RecentFacts {
  const streams = new Map<string, readonly StreamFact[]>();
  /** In order of their first report. */
  const calls = new Map<string, CallFact>();
  const rememberStream = (event: StreamFact): void => {
    const key = `${event.stream.from}/${event.stream.subnetId}`;
    const known = streams.get(key) ?? [];
    const isNews = (known.at(-1)?.height ?? -1) < event.height;
    if (isNews && (known.length > 0 || streams.size < MAX_STREAMS)) {
      streams.set(key, keepLast([...known, event], KEPT_MOVES));
    }
  };
  const rememberCall = (event: CallFact): void => {
    const key = `${event.kind}/${event.kind === 'messageExecuted' ? event.messageId : event.call}`;
    // As in a projection: an answer to a call that nobody told of says nothing.
    const isStray = event.kind === 'callAnswered' && !calls.has(`callMade/${event.call}`);
    if (calls.has(key) || isStray) {
      return;
    }
    calls.set(key, event);
    const [oldest] = calls.keys();
    if (calls.size > MAX_CALL_FACTS && oldest !== undefined) {
      calls.delete(oldest);
    }
  };
  return {
    remember: (event) => {
      if (event.kind === 'streamAdvanced' || event.kind === 'streamRestored') {
        rememberStream(event);
      } else if (
        event.kind === 'callMade' ||
        event.kind === 'callAnswered' ||
        event.kind === 'messageExecuted'
      ) {
        rememberCall(event);
      }
    },
    facts: () => [...[...streams.values()].flat(), ...calls.values()],
  };
}
