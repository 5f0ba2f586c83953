import { describe, expect, it } from 'vitest';
import type { Topology } from '../../wire/network.ts';
import { initialProjection, type NetworkProjection } from '../../wire/projection.ts';
import { headline, worstOf } from './headline.ts';

const TOPOLOGY = {
  subnets: [0, 1, 2].map((subnet) => ({
    subnetId: `subnet-${subnet}`,
    nodes: [0].map((node) => ({
      nodeId: `node-${subnet}-${node}`,
      label: `Node ${subnet + 1}`,
      index: subnet,
    })),
    spareNodes: [],
    canisterRanges: [],
    dkgIntervalLength: 19,
  })),
} as unknown as Topology;

function subnet(index: number, condition: 'running' | 'stopped'): NetworkProjection {
  const start = initialProjection(TOPOLOGY, index);
  return {
    ...start,
    finalizedHeight: 7,
    nodes: start.nodes.map((node) => ({
      ...node,
      condition,
      heights: { ...node.heights, finalized: 7 },
    })),
  };
}

describe('the sentence on top', () => {
  it('is of the subnet that is shown, until another one is worse off', () => {
    const [fine, down] = [subnet(0, 'running'), subnet(1, 'stopped')];
    const all = [fine, down, subnet(2, 'stopped')];
    expect(headline(fine)).toEqual({ tone: 'good', text: 'Its only node finalized block 7.' });
    expect(headline(down)).toMatchObject({ tone: 'warning' });
    expect(worstOf([fine, subnet(1, 'running')], 1)).toBe(1);
    expect(worstOf(all, 0)).toBe(1);
    // The reader looks at one of them already.
    expect(worstOf(all, 2)).toBe(2);
  });
});
