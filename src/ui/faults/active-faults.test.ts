import { describe, expect, it } from 'vitest';
import { ok } from '../../base/result.ts';
import { ATTACKS } from '../../wire/malicious.ts';
import { defaultNetworkSpec, initialLink } from '../../wire/network-spec.ts';
import type { Network, Topology } from '../../wire/network.ts';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import { initialProjection, type NetworkProjection } from '../../wire/projection.ts';
import type { NodeId } from '../store/ids.ts';
import { activeFaults, datacentreLink, healEverything, troubledLinks } from './active-faults.ts';
import { evenSplit, groupLetter, groupsOf, sideOf, withNextSide } from './partition-draft.ts';

const [A, B, C] = ['aa', 'bb', 'cc'] as [NodeId, NodeId, NodeId];
const SPEC = defaultNetworkSpec({ nodes: 3 });
const TOPOLOGY = {
  subnets: [
    {
      nodes: [A, B, C].map((nodeId, index) => ({ nodeId, label: `Node ${index + 1}`, index })),
      spareNodes: [{ nodeId: 'dd' as NodeId, label: 'Node 4', index: 3 }],
      dkgIntervalLength: 9,
    },
  ],
} as unknown as Topology;

function whole(): NetworkProjection {
  const start = initialProjection(TOPOLOGY);
  const nodes = start.nodes.map((node) =>
    node.isMember ? { ...node, condition: 'running' as const } : node,
  );
  return { ...start, nodes };
}

function troubled(): NetworkProjection {
  const start = whole();
  const [a, b, ...others] = start.nodes;
  if (a === undefined || b === undefined) {
    throw new TypeError('the topology has nodes');
  }
  return {
    ...start,
    partitions: [[A], [B, C]],
    nodes: [
      {
        ...a,
        behaviours: [ATTACKS.equivocate.preset, ATTACKS.replay.preset],
        world: { ...HEALTHY_NODE, paused: true, clockOffsetMs: -5 },
      },
      { ...b, condition: 'stopped' },
      ...others,
    ],
  };
}

/** Notes which methods of `faults` were called with what. */
function recordingNetwork(): { readonly network: Network; readonly calls: readonly unknown[][] } {
  const calls: unknown[][] = [];
  const faults = new Proxy(
    {},
    {
      get:
        (_target, name) =>
        async (...args: readonly unknown[]) => {
          calls.push([name, ...args]);
          return ok(undefined);
        },
    },
  );
  return { network: { faults } as unknown as Network, calls };
}

describe('the list of what is on', () => {
  it('is empty for a network as it was made, spare nodes included', () => {
    expect(activeFaults(whole(), SPEC)).toEqual([]);
  });

  it('names each fault alone, and undoes it alone', async () => {
    const projection = troubled();
    const faults = activeFaults(projection, SPEC);
    expect(faults.map(({ text }) => text)).toEqual([
      'Split: Node 1 | Node 2, Node 3',
      'Node 1: it hangs',
      'Node 1: its clock is 5 ms behind',
      'Node 1 attacks: Two blocks at once',
      'Node 1 attacks: Old news',
      'Node 2: switched off',
    ]);
    const { network, calls } = recordingNetwork();
    for (const fault of faults) {
      await fault.undo(network);
    }
    expect(calls).toEqual([
      ['partition', []],
      ['setNode', A, { ...HEALTHY_NODE, clockOffsetMs: -5 }],
      ['setNode', A, { ...HEALTHY_NODE, paused: true }],
      ['setMalicious', A, [ATTACKS.replay.preset]],
      ['setMalicious', A, [ATTACKS.equivocate.preset]],
      ['restart', B],
    ]);
  });

  it('heals everything in one action, nodes that are down included', async () => {
    const { network, calls } = recordingNetwork();
    await healEverything(network, [troubled()]);
    expect(calls).toEqual([['heal'], ['setMalicious', A, []], ['restart', B]]);
  });

  it('ends one attack of several', async () => {
    const start = whole();
    const [a, ...others] = start.nodes;
    if (a === undefined) {
      throw new TypeError('the topology has nodes');
    }
    const behaviours = [ATTACKS.floodSlots.preset, ATTACKS.replay.preset];
    const projection = { ...start, nodes: [{ ...a, behaviours }, ...others] };
    const flood = recordingNetwork();
    await activeFaults(projection, SPEC)[0]?.undo(flood.network);
    expect(flood.calls).toEqual([['setMalicious', A, [ATTACKS.replay.preset]]]);
    const replay = recordingNetwork();
    await activeFaults(projection, SPEC)[1]?.undo(replay.network);
    expect(replay.calls).toEqual([['setMalicious', A, [ATTACKS.floodSlots.preset]]]);
  });

  it('joins both ways of a link, and all links of a preset', async () => {
    const cut = { ...initialLink(SPEC, 0, 1), cut: true };
    const slow = { ...initialLink(SPEC, 0, 2), delayMs: 7 };
    const links = [
      { from: A, to: B, conditions: cut },
      { from: B, to: A, conditions: cut },
      { from: C, to: A, conditions: slow },
      { from: B, to: C, conditions: datacentreLink(SPEC, 1, 2) },
      { from: C, to: B, conditions: datacentreLink(SPEC, 2, 1) },
      { from: A, to: C, conditions: initialLink(SPEC, 0, 2) },
    ];
    const projection = { ...whole(), links };
    const faults = activeFaults(projection, SPEC);
    expect(faults.map(({ text }) => text)).toEqual([
      'Delays of real data centres on 2 links',
      'Node 1 ⇄ Node 2: cut',
      'Node 3 → Node 1: 7 ms one way',
    ]);
    expect(troubledLinks(projection, SPEC)).toHaveLength(3);
    const { network, calls } = recordingNetwork();
    await faults[1]?.undo(network);
    expect(calls).toEqual([
      ['setLink', A, B, null],
      ['setLink', B, A, null],
    ]);
  });
});

describe('a partition being chosen', () => {
  it('starts with two halves and walks through the sides', () => {
    const start = whole();
    const draft = evenSplit(start);
    expect(groupsOf(draft, start)).toEqual([
      [A, B],
      [C, 'dd'],
    ]);
    const moved = withNextSide(withNextSide(draft, A), A);
    expect(sideOf(moved, A)).toBe('C');
    expect(groupsOf(moved, start)).toHaveLength(3);
    expect(sideOf(withNextSide(moved, A), A)).toBe('A');
    expect(groupLetter([[B], [A]], A)).toBe('B');
    expect(groupLetter([], A)).toBeUndefined();
  });

  it('keeps the nodes of other subnets together on the first side', () => {
    const { topology } = whole();
    const [subnet] = topology.subnets;
    const other = { nodeId: 'ee' as typeof A, label: 'Node 5', index: 4 };
    const others = {
      ...(subnet as (typeof topology.subnets)[number]),
      nodes: [other],
      spareNodes: [],
    };
    const start = { ...whole(), topology: { subnets: [...topology.subnets, others] } };
    expect(groupsOf(evenSplit(start), start)).toEqual([
      [A, B, 'ee'],
      [C, 'dd'],
    ]);
  });
});
