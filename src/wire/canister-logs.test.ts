import { describe, expect, it } from 'vitest';
import type { NodeId } from '../protocol/types/ids.ts';
import { applyBatch } from './project-network.ts';
import { initialProjection, type NetworkProjection } from './projection.ts';
import type { TelemetryBatch, TelemetryEvent } from './telemetry.ts';

const FACTS = {
  canisterId: 'c1',
  version: 1n,
  cycles: 0n,
  status: 'running',
  memoryBytes: 0,
  moduleHash: null,
  queues: { inputs: 0, outputs: 0, openCalls: 0 },
};

function report(from: string, ...events: unknown[]): TelemetryBatch {
  return {
    v: 1,
    seq: 0,
    from: from as NodeId,
    atNs: 1n,
    dropped: 0,
    events: events as TelemetryEvent[],
  };
}

function logged(firstIndex: bigint, ...lines: string[]): unknown {
  return { kind: 'canisterLogged', canisterId: 'c1', lines, firstIndex };
}

function logsAfter(...batches: TelemetryBatch[]): readonly string[] | undefined {
  const created = report('a', { kind: 'canisterChanged', height: 1, canister: FACTS });
  const start: NetworkProjection = initialProjection({ subnets: [] });
  return [created, ...batches].reduce(applyBatch, start).canisters[0]?.logs;
}

describe('canister logs in the projection', () => {
  it('shows each line once, whoever reports it first', () => {
    expect(
      logsAfter(
        report('a', logged(0n, 'one')),
        report('b', logged(0n, 'one'), logged(1n, 'two')),
        report('a', logged(1n, 'two')),
        report('c', logged(0n, 'one')),
      ),
    ).toEqual(['one', 'two']);
  });

  it('keeps equal lines of different runs, and those of a report that overlaps', () => {
    expect(
      logsAfter(
        report('a', logged(0n, 'x')),
        report('a', logged(1n, 'x')),
        report('b', logged(0n, 'x', 'x', 'y')),
      ),
    ).toEqual(['x', 'x', 'y']);
  });
});

describe('changes of a canister in the projection', () => {
  const changed = (height: number, facts: object): unknown => ({
    kind: 'canisterChanged',
    height,
    canister: { ...FACTS, ...facts },
  });

  it('shows what changed once, in order, however late other nodes tell of it', () => {
    const empty = { moduleHash: null, version: 1n };
    const code = { moduleHash: 'aa', version: 2n };
    const stopped = { ...code, status: 'stopped' };
    const { canisters } = [
      report('a', changed(1, empty)),
      report('b', changed(1, empty)),
      report('a', changed(2, code), changed(3, { ...code, cycles: 5n }), changed(4, stopped)),
      report('b', changed(2, code), changed(3, code), changed(4, stopped)),
    ].reduce(applyBatch, initialProjection({ subnets: [] }));
    expect(canisters[0]?.changes).toEqual([
      { height: 1, change: 'seen', moduleHash: null, status: FACTS.status },
      { height: 2, change: 'code', moduleHash: 'aa', status: FACTS.status },
      { height: 4, change: 'status', moduleHash: 'aa', status: 'stopped' },
    ]);
  });
});
