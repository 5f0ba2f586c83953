import { describe, expect, it } from 'vitest';
import type { NodeId, PrincipalId, SubnetId } from '../protocol/types/ids.ts';
import type { Topology, TopologySubnet } from './network.ts';
import { HEALTHY_NODE } from './node-conditions.ts';
import { PERFECT_LINK } from './network-spec.ts';
import { applyToSubnets, initialProjections, type SubnetProjections } from './project-subnets.ts';
import { TELEMETRY_VERSION, type TelemetryBatch, type TelemetryEvent } from './telemetry.ts';

function subnet(index: number): TopologySubnet {
  const node = (i: number) => ({
    nodeId: `node-${index}-${i}` as NodeId,
    label: `Node ${3 * index + i + 1}`,
    index: 3 * index + i,
  });
  const range = (n: number): PrincipalId => `${String(n).padStart(16, '0')}0101` as PrincipalId;
  return {
    subnetId: `subnet-${index}` as SubnetId,
    type: index === 0 ? 'system' : 'application',
    nodes: [node(0), node(1)],
    spareNodes: [node(2)],
    faultsTolerated: 0,
    notarizationThreshold: 1,
    dkgIntervalLength: 9,
    limits: 'classroom',
    publicKeyDer: new Uint8Array(),
    cryptoName: 'test',
    canisterRanges: [[range(index * 100), range(index * 100 + 99)]],
  };
}

const TOPOLOGY: Topology = { subnets: [subnet(0), subnet(1)] };
const nodeOf = (index: number, i: number): NodeId => `node-${index}-${i}` as NodeId;

function fold(from: TelemetryBatch['from'], ...events: readonly TelemetryEvent[]) {
  return (before: SubnetProjections, atNs = 1_000n): SubnetProjections =>
    applyToSubnets(before, { v: TELEMETRY_VERSION, seq: 0, from, atNs, events, dropped: 0 });
}

const START = initialProjections(TOPOLOGY);

describe('projections of several subnets', () => {
  it('begin with the nodes of their own subnet, numbered through the network', () => {
    expect(START.map(({ nodes }) => nodes.map(({ label }) => label))).toEqual([
      ['Node 1', 'Node 2', 'Node 3'],
      ['Node 4', 'Node 5', 'Node 6'],
    ]);
    expect(START.map(({ nodes }) => nodes.map(({ isMember }) => isMember))).toEqual([
      [true, true, false],
      [true, true, false],
    ]);
    expect(START[1]?.interval.receivers).toEqual([nodeOf(1, 0), nodeOf(1, 1)]);
  });

  it('keep blocks of one subnet out of the other; time goes on in both', () => {
    const catchUp: TelemetryEvent = { kind: 'catchUpPackageMade', height: 10 } as TelemetryEvent;
    const after = fold(nodeOf(1, 0), catchUp)(START);
    expect(after.map(({ catchUpHeight }) => catchUpHeight)).toEqual([0, 10]);
    expect(after.map(({ atNs }) => atNs)).toEqual([1_000n, 1_000n]);
    expect(after[0]?.heights).toBe(START[0]?.heights);
    expect(after[0]?.feed).toEqual([]);
  });

  it('tell each fact of the host where it belongs', () => {
    const after = fold(
      'host',
      { kind: 'nodeState', nodeId: nodeOf(1, 1), state: 'running', reason: null },
      { kind: 'nodeConditionsChanged', nodeId: nodeOf(0, 0), conditions: HEALTHY_NODE },
      { kind: 'clockChanged', rate: 1, paused: false, pace: 'turbo' },
      {
        kind: 'safetyViolated',
        rule: 'rule',
        message: 'broken',
        subnetId: 'subnet-1' as SubnetId,
      },
      {
        kind: 'registryChanged',
        version: 2,
        members: [nodeOf(0, 0), nodeOf(0, 2)],
        isHalted: false,
        haltAtCatchUpPackage: false,
      },
    )(START);
    expect(after[0]?.nodes.map(({ condition }) => condition)).toEqual([
      'starting',
      'starting',
      'stopped',
    ]);
    expect(after[1]?.nodes[1]?.condition).toBe('running');
    expect(after.map(({ clock }) => clock?.pace)).toEqual(['turbo', 'turbo']);
    expect(after.map(({ violations }) => violations.length)).toEqual([0, 1]);
    expect(after.map(({ registry }) => registry?.version)).toEqual([2, undefined]);
    expect(after[1]?.nodes.map(({ isMember }) => isMember)).toEqual([true, true, false]);
  });

  it('show a link between two subnets in both, with the names of both ends', () => {
    const after = fold('host', {
      kind: 'linkChanged',
      from: nodeOf(0, 1),
      to: nodeOf(1, 0),
      conditions: { ...PERFECT_LINK, cut: true },
    })(START);
    for (const { links, feed } of after) {
      expect(links.length).toBe(1);
      expect(feed.at(-1)?.text).toBe('Link from Node 2 to Node 4: cut.');
    }
  });

  it('place a canister that the host tells of by its id', () => {
    const canister = {
      canisterId: `${'150'.padStart(16, '0')}0101`,
      status: 'running',
      version: 1n,
      moduleHash: null,
    };
    const told = { kind: 'canisterChanged', height: 0, canister } as unknown as TelemetryEvent;
    const after = fold('host', told)(START);
    expect(after.map(({ canisters }) => canisters.length)).toEqual([0, 1]);
  });
});
