import { describe, expect, it } from 'vitest';
import type { Topology } from '../../wire/network.ts';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import { initialProjection, type NetworkProjection, type NodeView } from '../../wire/projection.ts';
import { currentRate, divergedHeight, nodesUp } from './derive.ts';
import { formatBytes, formatCycles, formatMs, principalText, shortHash } from './format.ts';
import { headline } from './headline.ts';
import type { HashHex, NodeId } from './ids.ts';

const NODES = ['aa', 'bb', 'cc', 'dd'] as readonly string[] as readonly NodeId[];

function running(up: number): NetworkProjection {
  const topology = {
    subnets: [
      {
        nodes: NODES.map((nodeId, index) => ({ nodeId, label: `Node ${index + 1}`, index })),
        spareNodes: [],
        faultsTolerated: 1,
        notarizationThreshold: 3,
      },
    ],
  } as unknown as Topology;
  const start = initialProjection(topology);
  return {
    ...start,
    finalizedHeight: 1204,
    nodes: start.nodes.map((node, index) => ({
      ...node,
      condition: index < up ? 'running' : 'stopped',
      heights: { ...node.heights, finalized: 1204 },
    })),
  };
}

describe('headline', () => {
  it.each([
    [4, 'good', 'All 4 nodes agree on block 1,204 (finalized).'],
    [3, 'warning', '3 of 4 nodes run: enough to finalize. They agree on block 1,204.'],
    [
      2,
      'warning',
      '2 of 4 nodes run, 3 are needed: the subnet waits at block 1,204 and finalizes nothing.',
    ],
  ] as const)('with %i nodes up it is %s', (up, tone, text) => {
    const projection = running(up);
    expect(nodesUp(projection)).toBe(up);
    expect(headline(projection)).toEqual({ tone, text });
  });

  it('claims agreement only for what every running node has finalized', () => {
    const ahead = { ...running(4), finalizedHeight: 1205 };
    expect(headline(ahead).text).toBe('All 4 nodes agree on block 1,204 (finalized).');
  });

  it('weighs nodes that break rules or hang against what is tolerated', () => {
    const lie = [{ kind: 'replay' }] as const;
    const change = (...changes: readonly Partial<NodeView>[]): NetworkProjection => {
      const all = running(4);
      const nodes = all.nodes.map((node, index) => ({ ...node, ...changes[index] }));
      return { ...all, nodes };
    };
    const hangs = { world: { ...HEALTHY_NODE, paused: true } };
    expect(headline(change({ behaviours: lie }))).toEqual({
      tone: 'warning',
      text: 'Node 1 breaks the rules. The other 3 agree on block 1,204.',
    });
    expect(headline(change({ behaviours: lie }, hangs)).text).toBe(
      'Node 1 breaks the rules, Node 2 does not work: more than the 1 tolerated. The subnet may wait; now at block 1,204.',
    );
    expect(headline(change({ behaviours: lie }, { behaviours: lie }))).toMatchObject({
      tone: 'error',
      text: expect.stringContaining(
        '2 of 4 nodes break the rules, more than the 1 tolerated',
      ) as string,
    });
    expect(headline(change({}, hangs)).text).toContain('3 of 4 nodes run');
  });

  it('names the node that is catching up', () => {
    const all = running(4);
    const nodes = all.nodes.with(1, { ...all.nodes[1], condition: 'catchingUp' } as NodeView);
    expect(headline({ ...all, nodes })).toEqual({
      tone: 'warning',
      text: 'Block 1,204 is finalized. Node 2 is catching up.',
    });
  });

  it('puts a broken rule before everything else', () => {
    const broken = { ...running(2), violations: ['one finalized block per height: two at 7'] };
    expect(headline(broken).tone).toBe('error');
  });

  it('reports state roots that differ', () => {
    const [a, b] = ['01', '02'] as readonly string[] as readonly HashHex[];
    const view = {
      height: 9,
      roots: { aa: a, bb: b },
    } as unknown as NetworkProjection['heights'][0];
    const diverged = { ...running(4), heights: [view] };
    expect(divergedHeight(diverged)).toBe(9);
    expect(headline(diverged)).toEqual({
      tone: 'error',
      text: 'Nodes computed different states at height 9.',
    });
  });
});

describe('currentRate', () => {
  it('falls to zero when nothing was finalized for seconds', () => {
    const view = { height: 9, blocks: [{ finalizedNs: 10_000_000_000n }] };
    const heights = [view] as unknown as NetworkProjection['heights'];
    const at = (atNs: bigint) =>
      currentRate({ ...running(4), heights, blocksPerSecond: 2.5, atNs });
    expect([at(11_000_000_000n), at(14_000_000_000n)]).toEqual([2.5, 0]);
  });
});

describe('format', () => {
  it('shortens hashes and writes principals as text', () => {
    expect(shortHash('0123456789abcdef')).toBe('0123…cdef');
    expect(principalText('04')).toBe('2vxsx-fae');
    expect(principalText('not hex')).toBe('not hex');
  });

  it('gives numbers units', () => {
    expect(formatBytes(1536)).toBe('1.5 KiB');
    expect(formatCycles(3_100_000_000_000n)).toBe('3.100 T');
    expect(formatCycles(999n)).toBe('999');
    expect(formatMs(350.4)).toBe('350 ms');
    expect(formatMs(12_340)).toBe('12.3 s');
  });
});
