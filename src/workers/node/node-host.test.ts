import { describe, expect, it } from 'vitest';
import { codedError, err } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { HttpReply, NodeEffect, NodeInput, NodeOutput } from '../../protocol/node/node-io.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import { createNetworkClock, liveClockSetting, withRate } from '../clock/network-clock.ts';
import { createScheduler } from '../clock/scheduler.ts';
import { createMemoryStorage, type MemoryDisk } from '../storage/memory-storage.ts';
import { createNodeHost } from './node-host.ts';
import { createTelemetryOutbox } from './telemetry-outbox.ts';
import { createStubCore, IDLE_STATUS } from './testing/stub-core.ts';

const START_MS = 1_700_000_000_000;
const NODE = 'aa' as NodeId;
const PEER = 'bb' as NodeId;
const SILENCE: NodeOutput = { transmits: [], effects: [], trace: [], nextWakeNs: null };

/** A core that answers each step from a script and records what it was given. */
function createScriptedCore(script: (inputs: readonly NodeInput[]) => Partial<NodeOutput>) {
  const steps: { readonly nowNs: bigint; readonly inputs: readonly NodeInput[] }[] = [];
  let status = IDLE_STATUS;
  const core = createStubCore(
    (nowNs, inputs) => {
      steps.push({ nowNs, inputs });
      return { ...SILENCE, ...script(inputs) };
    },
    () => status,
  );
  const finalize = (height: number): void => {
    status = { ...IDLE_STATUS, finalized: height };
  };
  return { core, steps, finalize };
}

function createSubject(script: (inputs: readonly NodeInput[]) => Partial<NodeOutput>) {
  let nowMs = START_MS;
  let tasks: { readonly dueMs: number; readonly task: () => void }[] = [];
  const timers = {
    set: (delayMs: number, task: () => void) => {
      const entry = { dueMs: nowMs + delayMs, task };
      tasks.push(entry);
      return entry;
    },
    clear: (handle: unknown) => {
      tasks = tasks.filter((entry) => entry !== handle);
    },
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) {
      await Promise.resolve();
      const due = tasks.filter((entry) => entry.dueMs <= nowMs);
      tasks = tasks.filter((entry) => entry.dueMs > nowMs);
      for (const { task } of due) {
        task();
      }
    }
  };
  const advance = async (ms: number): Promise<void> => {
    nowMs += ms;
    await settle();
  };
  const clock = createNetworkClock(liveClockSetting(START_MS), () => nowMs);
  const scheduler = createScheduler(clock, timers);
  const disk: MemoryDisk = new Map();
  const storage = createMemoryStorage(disk);
  const sent: string[] = [];
  const fatal: string[] = [];
  const batches: TelemetryBatch[] = [];
  const sandboxAsked: string[] = [];
  const scripted = createScriptedCore(script);
  const host = createNodeHost({
    conditions: HEALTHY_NODE,
    core: scripted.core,
    transport: {
      send: (to, bytes) => sent.push(`${to}:${bytes.join()}`),
      flush: () => sent.push('flush'),
    },
    clock,
    scheduler,
    timers,
    storage,
    sandbox: {
      request: (request, onReply) => {
        sandboxAsked.push(request.kind);
        onReply({ kind: 'forgotten' });
      },
      running: () => 1,
      close: () => undefined,
    },
    fetch: (to, { path }, done) => done(path === '/silent' ? null : textReply(`${to} ${path}`)),
    telemetry: createTelemetryOutbox({
      nodeId: NODE,
      timers,
      nowNs: clock.nowNs,
      post: (batch) => batches.push(batch),
    }),
    stopwatchMs: () => 0,
    onFatal: (reason) => fatal.push(reason),
    onStep: () => undefined,
  });
  const setRate = (rate: number): void => {
    clock.apply(withRate(clock.setting(), rate, nowMs));
    scheduler.rearm();
  };
  return {
    ...scripted,
    host,
    storage,
    disk,
    sent,
    fatal,
    batches,
    sandboxAsked,
    settle,
    advance,
    setRate,
  };
}

function textReply(text: string): HttpReply {
  return { status: 200, contentType: 'text/plain', body: encodeUtf8(text) };
}

const kinds = (inputs: readonly NodeInput[]): string => inputs.map((input) => input.kind).join();
const atMs = (ms: number): bigint => BigInt(START_MS + ms) * 1_000_000n;

describe('node host', () => {
  it('steps once without input, then gives all that arrived in one step, in order', async () => {
    const { host, steps, settle } = createSubject(() => ({}));
    await settle();
    host.packet(PEER, Uint8Array.of(1));
    host.packet(PEER, Uint8Array.of(2));
    host.setDelays({ unitDelayMs: 1, initialNotaryDelayMs: 2 });
    await settle();
    expect(steps.map(({ inputs }) => kinds(inputs))).toEqual(['', 'packet,packet,delaysChanged']);
  });

  it('sends what the core says in one flush', async () => {
    const { sent, settle } = createSubject(() => ({
      transmits: [
        { to: 'all', bytes: Uint8Array.of(1), contents: [] },
        { to: PEER, bytes: Uint8Array.of(2), contents: [] },
      ],
    }));
    await settle();
    expect(sent).toEqual(['all:1', `${PEER}:2`, 'flush']);
  });

  it('wakes the core at the time it asked for, never while paused', async () => {
    const { steps, advance, setRate } = createSubject(() => ({ nextWakeNs: atMs(50) }));
    await advance(0);
    await advance(49);
    expect(steps.length).toBe(1);
    setRate(0);
    await advance(1_000);
    expect(steps.length).toBe(1);
    setRate(1);
    await advance(1);
    expect(steps.length).toBeGreaterThan(1);
  });

  it('tells the core that a write is done only when it is on the disk', async () => {
    const persist: NodeEffect = {
      kind: 'persist',
      operationId: 7,
      writes: [{ op: 'put', key: 'k', value: Uint8Array.of(9) }],
    };
    let onDisk: unknown;
    const subject = createSubject((inputs) => {
      if (kinds(inputs) === 'persisted') {
        onDisk = subject.disk.get('k');
      }
      return inputs.length === 0 ? { effects: [persist] } : {};
    });
    await subject.settle();
    expect(subject.steps[1]?.inputs).toEqual([{ kind: 'persisted', operationId: 7 }]);
    expect(onDisk).toEqual(Uint8Array.of(9));
  });

  it('ends the node with the reason when the disk fails', async () => {
    const persist: NodeEffect = { kind: 'persist', operationId: 1, writes: [] };
    const subject = createSubject((inputs) => (inputs.length === 0 ? { effects: [persist] } : {}));
    subject.storage.write = async () =>
      err(codedError('limit', 'STORAGE_FULL', 'the quota is used up'));
    await subject.settle();
    expect(subject.fatal).toEqual(['the disk failed: the quota is used up']);
    subject.host.packet(PEER, Uint8Array.of(1));
    await subject.settle();
    expect(subject.steps.length, 'a dead node takes no more input').toBe(1);
  });

  it('ends the node with the invariant when the core throws', async () => {
    const { fatal, settle } = createSubject(() => {
      throw new RangeError('a block has a parent');
    });
    await settle();
    expect(fatal.length).toBe(1);
    expect(fatal[0]).toContain('RangeError: a block has a parent');
  });

  it('brings sandbox requests to the sandbox and the answer back', async () => {
    const ask: NodeEffect = {
      kind: 'sandbox',
      operationId: 3,
      lane: 'query',
      request: { kind: 'forget', canisterId: 'cc' as never },
    };
    const subject = createSubject((inputs) => (inputs.length === 0 ? { effects: [ask] } : {}));
    await subject.settle();
    expect(subject.sandboxAsked).toEqual(['forget']);
    expect(subject.steps[1]?.inputs).toEqual([
      { kind: 'sandboxReply', operationId: 3, reply: { kind: 'forgotten' } },
    ]);
  });

  it('answers HTTP requests once and withdraws them when the client leaves', async () => {
    const reply: HttpReply = { status: 200, contentType: 'text/plain', body: Uint8Array.of(1) };
    const subject = createSubject((inputs) => ({
      effects: inputs.flatMap((input): NodeEffect[] =>
        input.kind === 'httpRequest' && input.request.path === '/answered'
          ? [{ kind: 'httpReply', requestId: input.requestId, reply }]
          : [],
      ),
    }));
    const got: HttpReply[] = [];
    const request = (path: string) => ({ method: 'GET', path, body: new Uint8Array() });
    const withdrawAnswered = subject.host.http(request('/answered'), (r) => got.push(r));
    const withdrawHeld = subject.host.http(request('/held'), (r) => got.push(r));
    await subject.settle();
    expect(got).toEqual([reply]);
    withdrawAnswered();
    withdrawHeld();
    await subject.settle();
    expect(subject.steps.at(-1)?.inputs).toEqual([{ kind: 'httpCancelled', requestId: 2 }]);
  });

  it('brings the core each answer of another subnet, or that there is none, and tells it who asks', async () => {
    const fetch = (operationId: number, path: string): NodeEffect => ({
      kind: 'fetch',
      operationId,
      to: PEER,
      subnetId: 'ff' as SubnetId,
      request: { method: 'GET', path, body: new Uint8Array() },
    });
    const { host, steps, settle } = createSubject((inputs) => ({
      effects: inputs.length === 0 ? [fetch(7, '/streams'), fetch(8, '/silent')] : [],
    }));
    await settle();
    expect(steps[1]?.inputs).toEqual([
      { kind: 'fetched', operationId: 7, reply: textReply(`${PEER} /streams`) },
      { kind: 'fetched', operationId: 8, reply: null },
    ]);
    const asked = { method: 'GET', path: '/x', body: new Uint8Array() };
    host.http(asked, () => undefined, PEER);
    await settle();
    expect(steps[2]?.inputs).toEqual([
      { kind: 'httpRequest', requestId: 1, request: asked, from: PEER },
    ]);
  });

  it('calls back once a height is finalized, at once when it already is', async () => {
    const subject = createSubject(() => ({}));
    const reached: number[] = [];
    subject.host.whenFinalized(5, () => reached.push(5));
    await subject.settle();
    expect(reached).toEqual([]);
    subject.finalize(6);
    subject.host.packet(PEER, Uint8Array.of(1));
    await subject.settle();
    expect(reached).toEqual([5]);
    subject.host.whenFinalized(6, () => reached.push(6));
    expect(reached).toEqual([5, 6]);
  });

  it('drops packets beyond its bound and says so', async () => {
    const subject = createSubject(() => ({}));
    for (let i = 0; i < 5_000; i += 1) {
      subject.host.packet(PEER, Uint8Array.of(1));
    }
    await subject.settle();
    await subject.advance(200);
    const given = subject.steps.reduce((sum, { inputs }) => sum + inputs.length, 0);
    expect(given).toBe(4_096);
    const rejected = subject.batches.flatMap(({ events }) =>
      events.filter((event) => event.kind === 'packetRejected'),
    );
    const dropped = subject.batches.reduce((sum, batch) => sum + batch.dropped, 0);
    expect(rejected.length + dropped).toBe(5_000 - 4_096);
  });
});

describe('telemetry outbox', () => {
  it('sends at most one batch per interval, bounded, and counts what it dropped', async () => {
    const event = { kind: 'tapeAggregated', height: 1 } as const;
    let asked = 0;
    const subject = createSubject(() => {
      asked += 1;
      return { trace: Array.from({ length: asked === 1 ? 1_000 : 1 }, () => event) };
    });
    await subject.settle();
    subject.host.packet(PEER, Uint8Array.of(1));
    await subject.advance(99);
    expect(subject.batches).toEqual([]);
    await subject.advance(1);
    expect(subject.batches.length).toBe(1);
    const [batch] = subject.batches;
    expect(batch?.events.length).toBeLessThanOrEqual(500);
    const heights = batch?.events.filter(({ kind }) => kind === 'nodeHeights').length;
    expect(heights, 'summaries have room of their own').toBe(1);
    expect((batch?.dropped ?? 0) + (batch?.events.length ?? 0)).toBe(1_001 + 1);
    await subject.advance(1_000);
    expect(subject.batches.length, 'no facts, no batch').toBe(1);
  });

  it('sums packets up by target and content, bytes shared out by number', async () => {
    const contents = [
      { content: 'beacon', count: 1 },
      { content: 'block', count: 3 },
    ];
    const subject = createSubject(() => ({
      transmits: [
        { to: 'all', bytes: new Uint8Array(100), contents },
        { to: 'all', bytes: new Uint8Array(100), contents },
      ],
    }));
    await subject.settle();
    await subject.advance(100);
    const events = subject.batches[0]?.events.filter(({ kind }) => kind === 'packetsSent');
    expect(events).toEqual([
      { kind: 'packetsSent', from: NODE, to: 'all', content: 'beacon', count: 2, bytes: 50 },
      { kind: 'packetsSent', from: NODE, to: 'all', content: 'block', count: 6, bytes: 150 },
    ]);
  });
});
