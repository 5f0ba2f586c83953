import { describe, expect, it } from 'vitest';
import type { HashHex, NodeId } from '../../protocol/types/ids.ts';
import type { HostEvent, TelemetryBatch, TelemetryEvent } from '../../wire/telemetry.ts';
import { networkOfStorage, nodeStorageName } from '../storage/stale-storage.ts';
import { createSafetyWatch } from './safety-watch.ts';
import { createTelemetryHub } from './telemetry-hub.ts';

const A = 'aa' as NodeId;
const B = 'bb' as NodeId;
const hash = (text: string): HashHex => text.repeat(32) as HashHex;

function batch(from: NodeId, ...events: readonly TelemetryEvent[]): TelemetryBatch {
  return { v: 1, seq: 0, from, atNs: 0n, events, dropped: 0 };
}
const finalized = (height: number, text: string): TelemetryEvent => ({
  kind: 'finalized',
  height,
  hash: hash(text),
  signers: [],
  explicit: true,
});
const executed = (height: number, text: string): TelemetryEvent => ({
  kind: 'executed',
  height,
  root: hash(text),
  instructions: 0n,
  messages: 0,
  timeNs: 0n,
  cycles: { created: 0n, held: 0n, inFlight: 0n, consumed: 0n, sent: 0n, received: 0n },
});
const certified = (height: number): TelemetryEvent => ({
  kind: 'certified',
  height,
  root: hash('cc'),
});

describe('safety watch', () => {
  function watch() {
    const rules: string[] = [];
    return { rules, ...createSafetyWatch((violation) => rules.push(violation.rule)) };
  }

  it('is silent while nodes agree', () => {
    const { rules, observe } = watch();
    for (const node of [A, B]) {
      observe(batch(node, finalized(1, '11'), executed(1, '22'), certified(1), certified(2)));
    }
    expect(rules).toEqual([]);
  });

  it('names the rule that was broken', () => {
    const { rules, observe } = watch();
    observe(batch(A, finalized(1, '11'), executed(1, '22'), certified(5)));
    observe(batch(B, finalized(1, '99'), executed(1, '88'), certified(1)));
    observe(batch(A, certified(4)));
    expect(rules).toEqual([
      'one finalized block per height',
      'equal state roots per height',
      'certified heights never fall',
    ]);
  });

  it('lets a restarted node count again, but not contradict its state', () => {
    const { rules, observe, forget } = watch();
    observe(batch(A, certified(5), executed(5, '22')));
    forget(A);
    observe(batch(A, certified(2), executed(5, '33')));
    expect(rules).toEqual(['equal state roots per height']);
  });
});

describe('telemetry hub', () => {
  const OPENING: HostEvent = { kind: 'nodeState', nodeId: A, state: 'running', reason: null };

  it('tells a late subscriber the newest facts last, then everything new once', () => {
    const hub = createTelemetryHub(() => 7n);
    const heights = { notarized: 9, finalized: 8, executed: 8, certified: 7, catchUpPackage: 0 };
    hub.take(batch(A, { kind: 'nodeHeights', nodeId: A, heights }));
    const seen: TelemetryBatch[] = [];
    const stop = hub.subscribe(
      (next) => seen.push(next),
      () => [OPENING],
    );
    expect(seen.at(-1)).toMatchObject({
      from: 'host',
      atNs: 7n,
      events: [OPENING, { kind: 'nodeHeights', nodeId: A, heights }],
    });
    const before = seen.length;
    hub.take(batch(B, certified(1)));
    expect(seen.length).toBe(before + 1);
    stop();
    hub.take(batch(B, certified(2)));
    expect(seen.length).toBe(before + 1);
  });

  it('numbers its own batches and keeps what it repeats bounded', () => {
    const hub = createTelemetryHub(() => 0n);
    for (let i = 0; i < 1_000; i += 1) {
      hub.report(OPENING);
    }
    const seen: TelemetryBatch[] = [];
    hub.subscribe(
      (next) => seen.push(next),
      () => [],
    );
    expect(seen.length).toBeLessThanOrEqual(201);
    expect(seen.at(-1)?.seq).toBe(1_000);
    expect(seen.at(-2)?.seq).toBe(999);
  });
});

describe('storage names', () => {
  it('lead from a database to the lock of its network, and only for our own', () => {
    const name = nodeStorageName('n1', 'aa');
    expect(networkOfStorage(name)).toBe('n1');
    expect(networkOfStorage('somebody-elses-database')).toBeUndefined();
    expect(networkOfStorage('subnetarium/n1')).toBeUndefined();
  });
});
