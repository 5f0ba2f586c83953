import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { StreamFacts } from '../protocol/interfaces/trace.ts';
import type { NodeId, PrincipalId, SubnetId } from '../protocol/types/ids.ts';
import type { Topology, TopologySubnet } from './network.ts';
import { applyToSubnets, initialProjections, type SubnetProjections } from './project-subnets.ts';
import { createRecentFacts } from './recent-facts.ts';
import { TELEMETRY_VERSION, type TelemetryBatch, type TelemetryEvent } from './telemetry.ts';

const ROOT = 'subnet-0' as SubnetId;
const OTHER = 'subnet-1' as SubnetId;
const nodeOf = (index: number): NodeId => `node-${index}` as NodeId;
const canister = (index: number): PrincipalId =>
  `${String(index).padStart(16, '0')}0101` as PrincipalId;

function subnet(index: number): TopologySubnet {
  return {
    subnetId: `subnet-${index}` as SubnetId,
    type: index === 0 ? 'system' : 'application',
    nodes: [{ nodeId: nodeOf(index), label: `Node ${index + 1}`, index }],
    spareNodes: [],
    faultsTolerated: 0,
    notarizationThreshold: 1,
    dkgIntervalLength: 9,
    limits: 'classroom',
    publicKeyDer: new Uint8Array(),
    cryptoName: 'test',
    canisterRanges: [[canister(index * 100), canister(index * 100 + 99)]],
  };
}

const TOPOLOGY: Topology = { subnets: [subnet(0), subnet(1)] };
const START = initialProjections(TOPOLOGY);

function fold(from: TelemetryBatch['from'], events: readonly TelemetryEvent[]) {
  return (before: SubnetProjections): SubnetProjections =>
    applyToSubnets(before, { v: TELEMETRY_VERSION, seq: 0, from, atNs: 1n, events, dropped: 0 });
}

function advanced(height: number, stream: Partial<StreamFacts> = {}): TelemetryEvent {
  const at = { from: ROOT, subnetId: OTHER, begin: 0, end: height, signalsEnd: 0, bytes: 0 };
  const moved = { enqueued: 1, inducted: 0, rejected: 0, collected: 0, rejectSignals: 0 };
  const told = { ...at, ...moved, sliceHeight: null, refusals: [], ...stream };
  return { kind: 'streamAdvanced', height, stream: told };
}

describe('streams of a subnet', () => {
  it('stand where the newest state has them, whichever node tells it first', () => {
    const events = [advanced(7), advanced(9, { begin: 4, collected: 4 }), advanced(8)];
    const [root, other] = fold(nodeOf(0), events)(START);
    expect(root?.streams).toMatchObject([
      { height: 9, facts: { begin: 4, end: 9 }, moves: [{ height: 7 }, { height: 9 }] },
    ]);
    expect(other?.streams).toEqual([]);
  });

  it('tell of the last slice, and of what was refused, once and in words', () => {
    const refusals = [{ index: 3, reason: 'canisterStopped' }];
    const taken = { sliceHeight: 40, enqueued: 0, inducted: 2, rejected: 1, refusals };
    const events = [advanced(5, taken), advanced(6)];
    const [root] = fold(nodeOf(0), [...events, ...events])(START);
    expect(root?.streams[0]).toMatchObject({
      lastSlice: { height: 5, certifiedHeight: 40, messages: 3 },
      refusals: [{ height: 5, index: 3, reason: 'canisterStopped' }],
    });
    expect(root?.feed.map(({ text }) => text)).toEqual([
      'Message 3 from Subnet 2 was not taken: the canister is stopped. The sender answers its caller.',
    ]);
  });
});

const MADE: TelemetryEvent = {
  kind: 'callMade',
  height: 5,
  call: `${canister(1)}#1`,
  parent: 'a request',
  parentMethod: null,
  timeNs: 5n,
  caller: canister(1),
  canisterId: canister(101),
  method: 'inc',
};

describe('calls between canisters', () => {
  it('are open until their caller has the answer', () => {
    const before = fold(nodeOf(0), [MADE])(START);
    expect(before[0]?.calls).toMatchObject([{ method: 'inc', answer: null }]);
    const answered = {
      kind: 'callAnswered',
      height: 9,
      timeNs: 9n,
      call: MADE.call,
      outcome: 'replied',
    };
    const [root, other] = fold(nodeOf(0), [answered as TelemetryEvent, MADE])(before);
    expect(root?.calls).toMatchObject([{ answer: { height: 9, outcome: 'replied' } }]);
    expect(other?.calls).toEqual([]);
  });
});

const event = fc.oneof(
  fc
    .record({ height: fc.integer({ min: 1, max: 40 }), back: fc.boolean() })
    .map(({ height, back }) =>
      advanced(height, back ? { from: OTHER, subnetId: ROOT, sliceHeight: height } : {}),
    ),
  fc
    .record({ n: fc.constantFrom(1, 2, 3, 150), height: fc.integer({ min: 1, max: 40 }) })
    .chain(({ n, height }): fc.Arbitrary<TelemetryEvent> => {
      const call = `${canister(n)}#1`;
      return fc.constantFrom(
        { ...MADE, call, caller: canister(n), height: n },
        { kind: 'callAnswered', height, timeNs: 0n, call, outcome: 'replied' },
      );
    }),
);

test.prop([fc.array(event, { maxLength: 60 })])(
  'a late subscriber sees the streams and calls that the others see',
  (events) => {
    const recent = createRecentFacts();
    const early = events.reduce((all, next) => {
      recent.remember(next);
      return fold('host', [next])(all);
    }, START);
    const late = fold('host', recent.facts())(START);
    expect(late.map(({ streams, calls }) => ({ streams, calls }))).toEqual(
      early.map(({ streams, calls }) => ({ streams, calls })),
    );
  },
);
