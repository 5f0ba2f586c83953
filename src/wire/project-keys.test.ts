import { describe, expect, it } from 'vitest';
import type { HashHex, NodeId, SubnetId } from '../protocol/types/ids.ts';
import { applyBatch } from './project-network.ts';
import { initialProjection, type NetworkProjection } from './projection.ts';
import type { TelemetryEvent } from './telemetry.ts';

const [A, B, SPARE] = ['aa', 'bb', 'cc'] as [NodeId, NodeId, NodeId];
const START = initialProjection({
  subnets: [
    {
      subnetId: '02' as SubnetId,
      type: 'application',
      nodes: [A, B].map((nodeId, index) => ({ nodeId, label: `Node ${index + 1}`, index })),
      spareNodes: [{ nodeId: SPARE, label: 'Node 3', index: 2 }],
      faultsTolerated: 0,
      notarizationThreshold: 1,
      dkgIntervalLength: 9,
      publicKeyDer: new Uint8Array(0),
      limits: 'classroom',
      cryptoName: 'bls12-381',
      canisterRanges: [],
    },
  ],
});

function fold(
  events: readonly TelemetryEvent[],
  from: NodeId | 'host' = A,
  before: NetworkProjection = START,
): NetworkProjection {
  return applyBatch(before, { v: 1, seq: 0, from, atNs: 1n, events, dropped: 0 });
}

const began = (height: number): TelemetryEvent => ({
  kind: 'dkgIntervalBegan',
  height,
  length: 9,
  registryVersion: 1,
  receivers: [A, B],
});

describe('keys in the projection', () => {
  it('follows who dealt, what blocks hold and who complained, whoever tells it', () => {
    const events: readonly TelemetryEvent[] = [
      { kind: 'dkgDealingMade', height: 0, tag: 'low' },
      { kind: 'dkgDealingIncluded', height: 3, tag: 'low', dealer: A },
      { kind: 'dkgComplaintIncluded', height: 4, tag: 'high', dealer: B, complainer: A },
    ];
    const { runs } = fold(events, B, fold(events)).interval;
    expect(runs.low).toEqual({ dealt: [A, B], included: [A], complaints: [] });
    expect(runs.high.complaints).toEqual([{ dealer: B, complainer: A }]);
  });

  it('starts anew with each interval and never goes back', () => {
    const made: TelemetryEvent = {
      kind: 'dkgTranscriptCreated',
      height: 10,
      tag: 'high',
      transcript: 'ff' as HashHex,
      dealers: [A, B],
      receivers: [A, B],
    };
    const kept: TelemetryEvent = {
      kind: 'dkgTranscriptKept',
      height: 10,
      tag: 'low',
      reason: 'few',
    };
    const dealing: TelemetryEvent = {
      kind: 'dkgDealingIncluded',
      height: 3,
      tag: 'low',
      dealer: A,
    };
    const later = fold([dealing, began(10), made, kept, began(10), began(0), dealing]).interval;
    expect(later.height).toBe(10);
    expect(later.runs.low.included).toEqual([]);
    expect(later.results).toEqual({
      high: { kind: 'created', transcript: 'ff', dealers: 2 },
      low: { kind: 'kept', reason: 'few' },
    });
  });

  it('knows members and spare nodes by the newest registry version', () => {
    const members = (projection: NetworkProjection): readonly string[] =>
      projection.nodes.filter((node) => node.isMember).map((node) => node.nodeId);
    const record = {
      kind: 'registryChanged',
      isHalted: false,
      haltAtCatchUpPackage: false,
    } as const;
    expect(members(START)).toEqual([A, B]);
    const changed = fold([{ ...record, version: 2, members: [B, SPARE] }], 'host');
    expect(members(changed)).toEqual([B, SPARE]);
    const old = fold([{ ...record, version: 1, members: [A, B] }], 'host', changed);
    expect(members(old)).toEqual([B, SPARE]);
    expect(old.registry?.version).toBe(2);
  });

  it('shows how far a joining node is, until it goes on or stops', () => {
    const progress: TelemetryEvent = {
      kind: 'stateSyncProgress',
      height: 10,
      chunksDone: 3,
      chunksTotal: 8,
      bytes: 3_000,
      peers: 2,
      elapsedMs: 40,
    };
    const syncing = fold([progress]);
    expect(syncing.nodes[0]?.sync).toMatchObject({ chunksDone: 3, chunksTotal: 8 });
    expect(syncing.nodes[1]?.sync).toBeNull();
    const arrived = fold([{ kind: 'caughtUp', height: 10, from: 'stateSync' }], A, syncing);
    expect(arrived.nodes[0]?.sync).toBeNull();
    const killed: TelemetryEvent = { kind: 'nodeState', nodeId: A, state: 'stopped', reason: null };
    expect(fold([killed], 'host', syncing).nodes[0]?.sync).toBeNull();
  });
});
