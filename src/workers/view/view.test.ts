import { describe, expect, it } from 'vitest';
import { ok } from '../../base/result.ts';
import type { Network } from '../../wire/network.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import { isRead, serveView } from './serve-view.ts';
import type { ToOwner, ToViewer, ViewChannel } from './view-messages.ts';
import { type WatchTimers, watchNetwork } from './watch-network.ts';

/** Channels of one name: what one end posts, all others hear, cloned as the browser does. */
function createHub() {
  const ends: ((message: unknown) => void)[] = [];
  const open = (): ViewChannel => {
    let own: ((message: unknown) => void) | undefined;
    return {
      post: (message: ToOwner | ToViewer) => {
        for (const hear of ends.filter((end) => end !== own)) {
          hear(structuredClone(message));
        }
      },
      listen: (handler) => {
        own = handler;
        ends.push(handler);
      },
      close: () => {
        ends.splice(own === undefined ? ends.length : ends.indexOf(own), 1);
      },
    };
  };
  return { open, ends };
}

function createTimers() {
  const due: { ms: number; task: () => void }[] = [];
  const add = (ms: number, task: () => void): (() => void) => {
    const entry = { ms, task };
    due.push(entry);
    return () => {
      due.splice(due.indexOf(entry), 1);
    };
  };
  const timers: WatchTimers = { nowMs: () => 1_000, every: add, after: add };
  const run = (leastMs: number): void =>
    [...due].filter(({ ms }) => ms >= leastMs).forEach(({ task }) => task());
  return { timers, run };
}

function createOwned() {
  const listeners = new Set<(batch: TelemetryBatch) => void>();
  const asked: string[] = [];
  const network = {
    spec: { seed: 's' },
    rootKey: () => Uint8Array.of(7),
    topology: () => ({ subnets: [{ subnetId: 'root' }] }),
    registry: { record: () => ({ version: 3 }) },
    clock: { now: () => ({ timeNs: 5n, rate: 1, paused: false, pace: 'turbo' }) },
    events: {
      subscribe: (listener: (batch: TelemetryBatch) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    inspect: { block: async (hash: string) => ok({ hash }) },
    snapshot: async () => ({ nodes: ['one'] }),
    fetch: async (url: string) => {
      asked.push(url);
      return new Response('answer', { status: 202 });
    },
  } as unknown as Network;
  const emit = (events: readonly unknown[]): void =>
    listeners.forEach((listener) => listener({ from: 'host', events } as never));
  return { network, emit, asked, listeners };
}

async function scene() {
  const hub = createHub();
  const owned = createOwned();
  const { timers, run } = createTimers();
  let nowMs = 0;
  let handOvers = 0;
  const end = serveView(owned.network, hub.open(), {
    nowMs: () => nowMs,
    onHandOver: () => {
      handOvers += 1;
    },
  });
  const watched = await watchNetwork(hub.open(), 'viewer', timers);
  if (watched === undefined) {
    throw new TypeError('nobody answered');
  }
  const advance = (ms: number): void => {
    nowMs += ms;
  };
  return {
    ...owned,
    ...watched,
    view: watched.network,
    hub,
    run,
    end,
    advance,
    handOvers: () => handOvers,
  };
}

describe('a tab that looks on', () => {
  it('has the facts, telemetry and answers of the tab that runs the network', async () => {
    const { view, emit } = await scene();
    const seen: unknown[] = [];
    view.events.subscribe(({ events }) => seen.push(...events));
    emit([{ kind: 'clockChanged', rate: 0, paused: true, pace: 'classroom' }]);
    expect(seen).toHaveLength(1);
    expect(view.clock.now()).toEqual({ timeNs: 5n, rate: 0, paused: true, pace: 'classroom' });
    expect(view.registry.version()).toBe(3);
    expect([...view.rootKey()]).toEqual([7]);
    expect(await view.snapshot()).toEqual({ nodes: ['one'] });
    expect(await view.inspect.block('ab' as never)).toEqual(ok({ hash: 'ab' }));
  });

  it('is refused whatever changes the network, and calls never leave the tab', async () => {
    const { view, asked } = await scene();
    const node = 'aa' as never;
    const outcomes = await Promise.all([
      view.clock.pause(),
      view.clock.setPace('turbo'),
      view.faults.kill(node),
      view.faults.wipe(node),
      view.registry.update({} as never),
      view.forkCanister('aa' as never),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'done' : outcome.error.code))).toEqual(
      outcomes.map(() => 'READ_ONLY'),
    );
    const call = view.fetch('http://x/api/v4/canister/aaaaa-aa/call', { method: 'POST', body: '' });
    await expect(call).rejects.toThrow('another tab');
    const query = await view.fetch('http://x/api/v3/canister/aaaaa-aa/query', { method: 'POST' });
    expect([query.status, await query.text()]).toEqual([202, 'answer']);
    expect(asked).toEqual(['http://x/api/v3/canister/aaaaa-aa/query']);
  });

  it('asks for the network, and is forgotten when it is silent', async () => {
    const { handOver, handOvers, listeners, hub, advance } = await scene();
    handOver();
    expect(handOvers()).toBe(1);
    expect(listeners.size).toBe(1);
    advance(200_000);
    hub.open().post({ v: 1, kind: 'watch', viewer: 'another' });
    expect(listeners.size).toBe(1);
  });

  it('is one of eight at most, as long as it gives signs of life', async () => {
    const { listeners, hub, advance, asked } = await scene();
    const other = hub.open();
    const watch = (viewer: string, v = 1): void =>
      other.post({ v, kind: 'watch', viewer } as ToOwner);
    watch('of another version', 2);
    expect(listeners.size).toBe(1);
    for (let id = 0; id < 9; id += 1) {
      watch(`viewer ${id}`);
    }
    expect(listeners.size).toBe(8);
    advance(140_000);
    watch('viewer 3');
    advance(140_000);
    watch('viewer 3');
    expect(listeners.size).toBe(1);
    expect(asked).toEqual([]);
  });

  it('is let go when it leaves, and hears only what is said to it', async () => {
    const { listeners, hub, view } = await scene();
    const facts = { clock: { timeNs: 99n, rate: 1, paused: false, pace: 'classroom' } };
    hub.open().post({ v: 1, kind: 'facts', viewer: 'another', facts } as never);
    expect(view.clock.now().pace).toBe('turbo');
    await view.close();
    expect(listeners.size).toBe(0);
  });

  it('cannot have a call made for it, whatever it says', async () => {
    const { hub, asked } = await scene();
    const other = hub.open();
    const answers: unknown[] = [];
    other.listen((message) => answers.push(message));
    const call = { url: 'http://x/api/v4/canister/aaaaa-aa/call', method: 'POST', headers: [] };
    for (const question of [{ method: 'fetch', argument: { ...call, body: null } }, null, {}]) {
      other.post({ v: 1, kind: 'ask', viewer: 'viewer', id: 9, question } as never);
    }
    await expect.poll(() => answers.length).toBe(3);
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ kind: 'answer', id: 9 })));
    expect(answers.map((message) => (message as { value: unknown }).value)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(asked).toEqual([]);
  });

  it('hears nothing after the other tab ended, and its questions end', async () => {
    const { view, end, run, listeners } = await scene();
    end();
    expect(listeners.size).toBe(0);
    const waiting = view.snapshot();
    run(20_000);
    await expect(waiting).rejects.toThrow('did not answer');
  });

  it('learns that nobody runs the network', async () => {
    const { timers, run } = createTimers();
    const waiting = watchNetwork(createHub().open(), 'viewer', timers);
    run(60_000);
    expect(await waiting).toBe(undefined);
  });
});

it.each([
  ['/api/v2/status', true],
  ['/api/v3/canister/aaaaa-aa/query', true],
  ['/api/v2/subnet/aaaaa-aa/read_state', true],
  ['/api/v4/canister/aaaaa-aa/call', false],
  ['/api/v2/canister/aaaaa-aa/query/../call', false],
  ['/api/v2/canister/a/b/query', false],
])('%s only reads: %s', (path, expected) => {
  expect(isRead(`http://view.test${path}`)).toBe(expected);
});
