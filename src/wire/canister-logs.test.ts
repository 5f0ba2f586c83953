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
