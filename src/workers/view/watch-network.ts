import { codedError, err, type Result } from '../../base/result.ts';
import { present } from '../../base/assert.ts';
import type {
  ClockReading,
  FetchFunction,
  Network,
  NetworkError,
  NetworkResult,
  NetworkSnapshot,
} from '../../wire/network.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import { isRead } from './serve-view.ts';
import {
  type ToViewer,
  VIEW_VERSION,
  type ViewChannel,
  type ViewFacts,
  type ViewQuestion,
  type ViewResponse,
} from './view-messages.ts';

export interface WatchTimers {
  nowMs(): number;
  /** Calls back again and again; answers what ends that. */
  every(ms: number, task: () => void): () => void;
  after(ms: number, task: () => void): () => void;
}

export interface WatchedNetwork {
  readonly network: Network;
  /** Asks the tab that runs the network to give it up. */
  handOver(): void;
}

const SIGN_OF_LIFE_MS = 5_000;
const ANSWER_TIMEOUT_MS = 20_000;
/** A tab that was opened while the owner starts its nodes hears of it once they run. */
const FACTS_TIMEOUT_MS = 60_000;
/** Kept for those who subscribe late; the owner's own are some hundreds. */
const KEPT_BATCHES = 400;

/** Why commands are refused in a tab that looks on. */
export const READ_ONLY_REASON =
  'This network runs in another tab: here you can look, and commands are given there.';

/**
 * A network that another tab runs, to look at: telemetry, snapshots, the inspector, queries and
 * reads of state. Whatever would change it answers READ_ONLY. Undefined = nobody answered.
 */
export function watchNetwork(
  channel: ViewChannel,
  viewer: string,
  timers: WatchTimers,
): Promise<WatchedNetwork | undefined> {
  return new Promise((resolve) => {
    let view: View | undefined;
    const watch = (): void => channel.post({ v: VIEW_VERSION, kind: 'watch', viewer });
    const stopSigns = timers.every(SIGN_OF_LIFE_MS, watch);
    const giveUp = timers.after(FACTS_TIMEOUT_MS, () => {
      stopSigns();
      channel.close();
      resolve(undefined);
    });
    const early: TelemetryBatch[] = [];
    channel.listen((data) => {
      const message = Object(data) as ToViewer;
      if (message.v !== VIEW_VERSION || message.viewer !== viewer) {
        return;
      }
      if (message.kind === 'facts' && view === undefined) {
        giveUp();
        view = createView({ channel, viewer, timers, first: message.facts, stopSigns });
        early.forEach(view.batch);
        resolve({
          network: view.network,
          handOver: () => channel.post({ v: VIEW_VERSION, kind: 'handOver', viewer }),
        });
      } else if (message.kind === 'facts') {
        view?.facts(message.facts);
      } else if (message.kind === 'batch') {
        (view?.batch ?? ((batch: TelemetryBatch) => early.push(batch)))(message.batch);
      } else if (message.kind === 'answer') {
        view?.answer(message.id, message.value);
      }
    });
    watch();
  });
}

interface View {
  readonly network: Network;
  facts(facts: ViewFacts): void;
  batch(batch: TelemetryBatch): void;
  answer(id: number, value: unknown): void;
}

interface ViewDeps {
  readonly channel: ViewChannel;
  readonly viewer: string;
  readonly timers: WatchTimers;
  readonly first: ViewFacts;
  stopSigns(): void;
}

function createView({ channel, viewer, timers, first, stopSigns }: ViewDeps): View {
  let known = first;
  let knownMs = timers.nowMs();
  let nextId = 0;
  let closed = false;
  const waiting = new Map<number, (value: unknown) => void>();
  const listeners = new Set<(batch: TelemetryBatch) => void>();
  const kept: TelemetryBatch[] = [];
  const ask = async <T>(question: ViewQuestion): Promise<T | undefined> => {
    if (closed) {
      return undefined;
    }
    nextId += 1;
    const id = nextId;
    return new Promise((resolve) => {
      const cancel = timers.after(ANSWER_TIMEOUT_MS, () => {
        waiting.delete(id);
        resolve(undefined);
      });
      waiting.set(id, (value) => {
        cancel();
        resolve(value as T | undefined);
      });
      channel.post({ v: VIEW_VERSION, kind: 'ask', viewer, id, question });
    });
  };
  const inspect = async <T>(
    method: 'block' | 'artifact' | 'verify',
    argument: unknown,
  ): NetworkResult<T> =>
    (await ask<Result<T, NetworkError>>({ method, argument })) ?? err(noAnswer());
  const clockNow = (): ClockReading => {
    const passedMs = (timers.nowMs() - knownMs) * known.clock.rate;
    return { ...known.clock, timeNs: known.clock.timeNs + BigInt(Math.round(passedMs * 1e6)) };
  };
  const recordOf = (subnetId?: unknown) => {
    const at = known.topology.subnets.findIndex((subnet) => subnet.subnetId === subnetId);
    return present(known.records[subnetId === undefined ? 0 : at], 'a subnet of the network');
  };
  const network: Network = {
    spec: first.spec,
    rootKey: () => first.rootKey,
    topology: () => known.topology,
    fetch: fetchThrough(ask),
    events: {
      subscribe: (listener) => {
        kept.forEach((batch) => listener(batch));
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    inspect: {
      block: (hash) => inspect('block', hash),
      artifact: (reference) => inspect('artifact', reference),
      verify: (reference) => inspect('verify', reference),
    },
    snapshot: async () => {
      const snapshot = await ask<NetworkSnapshot>({ method: 'snapshot' });
      if (snapshot === undefined) {
        throw new TypeError(noAnswer().message);
      }
      return snapshot;
    },
    registry: {
      version: (subnetId) => recordOf(subnetId).version,
      record: recordOf,
      update: refused,
      addSubnet: refused,
    },
    clock: {
      now: clockNow,
      pause: refused,
      resume: refused,
      setRate: refused,
      setPace: refused,
      step: refused,
    },
    faults: {
      kill: refused,
      restart: refused,
      setLink: refused,
      partition: refused,
      setNode: refused,
      wipe: refused,
      setMalicious: refused,
      heal: refused,
    },
    forkCanister: refused,
    close: async () => {
      if (!closed) {
        closed = true;
        stopSigns();
        channel.post({ v: VIEW_VERSION, kind: 'leave', viewer });
        channel.close();
      }
    },
  };
  return {
    network,
    facts: (facts) => {
      known = facts;
      knownMs = timers.nowMs();
    },
    batch: (batch) => {
      kept.push(batch);
      if (kept.length > KEPT_BATCHES) {
        kept.shift();
      }
      for (const { rate, paused, pace } of batch.events.filter(isClockChange)) {
        known = { ...known, clock: { ...clockNow(), rate, paused, pace } };
        knownMs = timers.nowMs();
      }
      for (const listener of listeners) {
        listener(batch);
      }
    },
    answer: (id, value) => {
      waiting.get(id)?.(value);
      waiting.delete(id);
    },
  };
}

type Event = TelemetryBatch['events'][number];

function isClockChange(event: Event): event is Extract<Event, { kind: 'clockChanged' }> {
  return event.kind === 'clockChanged';
}

/** Queries and reads of state go to the other tab; calls fail as without a connection. */
function fetchThrough(ask: <T>(question: ViewQuestion) => Promise<T | undefined>): FetchFunction {
  return async (input, init) => {
    const request = new Request(input, init);
    if (!isRead(request.url)) {
      throw new TypeError(`Failed to fetch: ${READ_ONLY_REASON}`);
    }
    const isGet = request.method === 'GET';
    const body = isGet ? null : new Uint8Array(await request.arrayBuffer());
    const { url, method } = request;
    const argument = { url, method, headers: [...request.headers], body };
    const response = await ask<ViewResponse>({ method: 'fetch', argument });
    if (response === undefined) {
      throw new TypeError(`Failed to fetch: ${noAnswer().message}`);
    }
    return new Response(response.body.length === 0 ? null : response.body, {
      status: response.status,
      headers: response.headers.map(([name, value]): [string, string] => [name, value]),
    });
  };
}

async function refused(): Promise<Result<never, NetworkError>> {
  return err(codedError('input', 'READ_ONLY', READ_ONLY_REASON));
}

function noAnswer(): NetworkError {
  return codedError(
    'transport',
    'CONTROL_TIMEOUT',
    'The tab that runs the network did not answer.',
  );
}
