import { describe, expect, it } from 'vitest';
import { MiniCluster } from './testing/mini-cluster.ts';

const finalizedHeights = (cluster: MiniCluster): number[] =>
  cluster.nodes.filter((node) => node.alive).map((node) => node.consensus.status().finalized);

function reach(cluster: MiniCluster, height: number, maxVirtualMs = 600_000): boolean {
  return cluster.runUntil(
    () => finalizedHeights(cluster).every((finalized) => finalized >= height),
    maxVirtualMs,
  );
}

describe('a cluster of n nodes', () => {
  for (const n of [1, 4, 7]) {
    it(`n=${n}: reaches 50 finalized heights and agrees on blocks and state`, () => {
      const cluster = new MiniCluster({ nodes: n });
      const done = reach(cluster, 50);
      expect(done).toBe(true);
    });
  }
});
