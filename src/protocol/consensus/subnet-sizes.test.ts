import fc from 'fast-check';
import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  blockMakersFor,
  committeeFor,
  committeeSize,
  committeeThreshold,
  faultsTolerated,
} from '../registry/committee.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import { fakeHash, RoleFixture } from './testing/role-fixture.ts';
import { aliveNodes, reach, safetyViolations } from './testing/cluster-checks.ts';
import { MiniCluster } from './testing/mini-cluster.ts';

const sizes = fc.integer({ min: 1, max: 40 });
const nodesOf = (n: number): readonly NodeId[] =>
  Array.from({ length: n }, (_, i) => fakeHash(i).slice(-58) as NodeId);

describe('thresholds of a subnet of 1 to 40 nodes', () => {
  test.prop([sizes])(
    'CN1: two quorums of a committee share an honest node; f may be silent',
    (n) => {
      const f = faultsTolerated(n);
      const committee = committeeSize(n);
      const quorum = committeeThreshold(n);
      expect(3 * f + 1).toBeLessThanOrEqual(n);
      expect(3 * (f + 1) + 1).toBeGreaterThan(n);
      expect(2 * quorum - committee).toBeGreaterThan(f);
      expect(committee - f).toBeGreaterThanOrEqual(quorum);
      expect(committee).toBeLessThanOrEqual(n);
    },
  );

  test.prop([sizes], { numRuns: 20 })('CN1: threshold keys need f + 1 and n − f shares', (n) => {
    const { genesis } = new RoleFixture(n);
    const f = faultsTolerated(n);
    expect(genesis.lowTranscript.threshold).toBe(f + 1);
    expect(genesis.highTranscript.threshold).toBe(n - f);
    expect(genesis.lowTranscript.receivers).toHaveLength(n);
  });

  test.prop([sizes, fc.nat()])(
    'CN4 CN5: makers and committee are distinct nodes of it',
    (n, seed) => {
      const nodes = nodesOf(n);
      const makers = blockMakersFor(nodes, fakeHash(seed));
      const committee = committeeFor(nodes, fakeHash(seed));
      expect(makers).toHaveLength(faultsTolerated(n) + 1);
      expect(committee).toHaveLength(committeeSize(n));
      for (const drawn of [makers, committee]) {
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.every((node) => nodes.includes(node))).toBe(true);
      }
    },
  );
});

describe('draws', () => {
  /**
   * Beacon hash = the number of nodes in each byte; positions in the order of rank. Computed apart,
   * with the ChaCha20 key stream of OpenSSL and the sampling rules of rand 0.8 written anew.
   */
  const VECTORS = [
    [4, [1, 0, 3, 2], [1, 2]],
    [13, [3, 8, 7, 6, 9, 0, 5, 4, 1, 12, 2, 11, 10], [3, 0, 11, 4, 9]],
    [
      40,
      [
        29, 11, 4, 21, 9, 0, 25, 32, 24, 14, 26, 36, 13, 12, 16, 22, 8, 35, 33, 37, 17, 3, 30, 34,
        7, 5, 15, 1, 39, 20, 31, 38, 19, 18, 2, 23, 10, 28, 6, 27,
      ],
      [26, 10, 12, 27, 33, 2, 13, 7, 11, 38, 8, 19, 15, 32],
    ],
  ] as const;

  it('CN2 CN3: give the members and ranks that an independent computation gives', () => {
    for (const [n, committee, makers] of VECTORS) {
      const nodes = Array.from({ length: n }, (_, i) => i.toString(16).padStart(58, '0') as NodeId);
      const beacon = n.toString(16).padStart(2, '0').repeat(32) as HashHex;
      const positions = (drawn: readonly NodeId[]) => drawn.map((node) => nodes.indexOf(node));
      expect(positions(committeeFor(nodes, beacon))).toEqual(committee);
      expect(positions(blockMakersFor(nodes, beacon))).toEqual(makers);
    }
  });
});

describe('a subnet of any size', () => {
  for (const [n, height] of [
    [1, 30],
    [2, 20],
    [3, 20],
    [6, 12],
    [13, 6],
    [40, 1],
  ] as const) {
    // Forty nodes take seconds for a height, and minutes on a loaded machine.
    it(`CN6: n=${n} agrees with all nodes and with f silent ones`, { timeout: 600_000 }, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, height)).toBe(true);
      for (let i = 0; i < faultsTolerated(n); i += 1) {
        cluster.crash(i);
      }
      expect(reach(cluster, height + 2)).toBe(true);
      expect(safetyViolations(cluster)).toEqual([]);
      expect(aliveNodes(cluster).length).toBe(n - faultsTolerated(n));
    });
  }

  for (const n of [2, 3]) {
    it(`CN6: n=${n} tolerates no fault: one silent node stops it, its return lets it go on`, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, 5)).toBe(true);
      cluster.crash(0);
      const before = cluster.nodes[1]?.consensus.status().finalized ?? 0;
      expect(reach(cluster, before + 20, 60_000)).toBe(false);
      cluster.restart(0);
      expect(reach(cluster, before + 20)).toBe(true);
      expect(safetyViolations(cluster)).toEqual([]);
    });
  }
});
