import { describe, expect, it } from 'vitest';
import { createRealSuite } from '../crypto/real-suite.ts';
import { decodeArtifact, encodeArtifact } from '../types/artifact-codec.ts';
import type { Consensus } from './consensus-interface.ts';
import { createConsensus } from './consensus.ts';
import { lowestFinalized, reach, safetyViolations } from './testing/cluster-checks.ts';
import type { ClusterNode } from './testing/mini-cluster.ts';
import { MiniCluster, TEST_GENESIS_NS } from './testing/mini-cluster.ts';
import { RoleFixture } from './testing/role-fixture.ts';

function expectBatchesInOrder(cluster: MiniCluster): void {
  for (const node of cluster.nodes) {
    const heights = node.batches.map((batch) => batch.height);
    expect(heights).toEqual(heights.map((_, i) => (heights[0] ?? 0) + i));
    let before = 0n;
    for (const batch of node.batches) {
      expect(batch.timeNs > before, `time of height ${batch.height}`).toBe(true);
      before = batch.timeNs;
      const isSummary = batch.height % (cluster.genesis.parameters.dkgIntervalLength + 1) === 0;
      expect(batch.requiresFullStateHash).toBe(isSummary);
      expect(batch.payload.ingress.length).toBe(isSummary ? 0 : 1);
      expect(batch.randomness.length).toBe(32);
    }
  }
}

describe('a healthy cluster', () => {
  for (const n of [1, 4, 7]) {
    it(`CN7 CN48 CN49: n=${n}: reaches 50 finalized heights, executes, certifies and packages them`, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, 50)).toBe(true);
      expect(safetyViolations(cluster)).toEqual([]);
      expectBatchesInOrder(cluster);
      for (const node of cluster.nodes) {
        const status = node.consensus.status();
        expect(status.catchUpPackage).toBe(40);
        expect(status.certified).toBeGreaterThanOrEqual(48);
        expect(status.expectedBatch).toBeGreaterThanOrEqual(50);
      }
    });
  }

  it('CN17 CN23: makes about one block per notary delay and hop, and rank 0 wins every round', () => {
    const cluster = new MiniCluster({ nodes: 4, maxDelayMs: 1 });
    const startNs = cluster.nowNs;
    expect(reach(cluster, 50)).toBe(true);
    const perBlockMs = Number(cluster.nowNs - startNs) / 50 / 1e6;
    expect(perBlockMs).toBeGreaterThanOrEqual(100);
    expect(perBlockMs).toBeLessThan(110);
    const ranks = cluster.nodes[0]?.trace.flatMap((event) =>
      event.kind === 'blockValidated' || event.kind === 'blockProposed' ? [event.block.rank] : [],
    );
    expect(new Set(ranks)).toEqual(new Set([0]));
  });

  it('CN7: is deterministic: the same seed gives the same blocks at the same times', () => {
    const run = (): unknown[] => {
      const cluster = new MiniCluster({ nodes: 4, seed: 'twice' });
      reach(cluster, 20);
      return cluster.nodes.map((node) => node.batches.map((b) => [b.blockHash, b.timeNs]));
    };
    expect(run()).toEqual(run());
  });

  it('CN77 CN74: keeps the pools bounded', () => {
    const cluster = new MiniCluster({ nodes: 4 });
    const sizes: number[] = [];
    for (const height of [70, 140, 210]) {
      expect(reach(cluster, height)).toBe(true);
      sizes.push(Math.max(...cluster.nodes.map((node) => node.consensus.pool.validated.size)));
      for (const node of cluster.nodes) {
        expect(node.consensus.pool.unvalidated.size).toBeLessThan(200);
      }
    }
    expect(sizes[2]).toBeLessThan((sizes[1] as number) + 40);
  });

  it('CN40: works with the real BLS12-381 and verifies each aggregate at most once', () => {
    const cluster = new MiniCluster({ nodes: 4, suite: createRealSuite(), maxDelayMs: 3 });
    expect(reach(cluster, 6)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    for (const node of cluster.nodes) {
      const heights = node.consensus.status().notarized + 1;
      const { blsVerify, blsSign, ed25519Verify } = node.crypto.counters();
      // Beacon, tape, notarization, finalization, certification.
      expect(blsVerify / heights, `verifications of ${blsVerify}`).toBeLessThanOrEqual(5);
      expect(blsSign / heights, `signatures of ${blsSign}`).toBeLessThanOrEqual(5);
      const dealings = 2 * (cluster.nodes.length - 1);
      expect(ed25519Verify, 'a proposal a round, two dealings of each peer').toBeLessThanOrEqual(
        heights + dealings,
      );
    }
  }, 120_000);
});

describe('the front door', () => {
  /** A single node whose message routing is under the test's control. */
  function single(): { consensus: Consensus; routing: { full: boolean; expected: number } } {
    const f = new RoleFixture(1, { dkgIntervalLength: 99 });
    const routing = { full: true, expected: 1 };
    const { state, payloadBuilder } = f.context();
    const consensus = createConsensus({
      nodeId: f.self,
      genesis: f.genesis,
      crypto: f.cryptoOf(f.self),
      payloadBuilder,
      stateReader: state,
      messageRouting: {
        expectedBatchHeight: () => routing.expected,
        isFull: () => routing.full,
      },
    });
    return { consensus, routing };
  }
  const SECOND = 1_000_000_000n;

  it('CN42: names the next time at which something can happen, and nothing happens before it', () => {
    const { consensus } = single();
    const start = TEST_GENESIS_NS + 10n * SECOND;
    const wakeNs = consensus.poll(start).nextWakeNs as bigint;
    expect(wakeNs).toBe(start + 100_000_000n);
    const early = consensus.poll(wakeNs - 1n);
    expect([early.transmits, early.trace, early.nextWakeNs]).toEqual([[], [], wakeNs]);
    expect(consensus.poll(wakeNs).transmits.length).toBeGreaterThan(0);
    expect(consensus.status().finalized).toBe(1);
  });

  it('CN48: holds batches back while message routing is full, then delivers each once', () => {
    const { consensus, routing } = single();
    let nowNs = TEST_GENESIS_NS;
    for (let i = 0; i < 20; i += 1) {
      nowNs += 30n * SECOND;
      expect(consensus.poll(nowNs).batches).toEqual([]);
    }
    const finalized = consensus.status().finalized;
    expect(finalized).toBeGreaterThan(2);
    routing.full = false;
    const delivered = consensus.poll(nowNs).batches.map((batch) => batch.height);
    expect(delivered).toEqual(Array.from({ length: Math.min(finalized, 16) }, (_, i) => i + 1));
    expect(consensus.poll(nowNs).batches.map((b) => b.height)).not.toContain(1);
  });

  it('CN51: a restored node re-offers what it had and continues above it', () => {
    const first = single().consensus;
    let nowNs = TEST_GENESIS_NS;
    for (let i = 0; i < 10; i += 1) {
      nowNs += 30n * SECOND;
      first.poll(nowNs);
    }
    const stored = first.validatedArtifacts();
    const decoded = stored.map((artifact) => {
      const again = decodeArtifact(encodeArtifact(artifact));
      return again.ok ? again.value : artifact;
    });
    const { consensus, routing } = single();
    consensus.restore(decoded);
    expect(consensus.validatedArtifacts()).toEqual(stored);
    expect(consensus.status()).toEqual(first.status());
    routing.full = false;
    const { batches } = consensus.poll(nowNs);
    expect(batches[0]?.height).toBe(1);
    expect(consensus.poll(nowNs + 60n * SECOND).trace.map((event) => event.kind)).toContain(
      'blockProposed',
    );
  });

  it('CN42: clock readings that go back do no harm', () => {
    const { consensus } = single();
    consensus.poll(TEST_GENESIS_NS + 100n * SECOND);
    const { nextWakeNs } = consensus.poll(TEST_GENESIS_NS);
    expect(nextWakeNs).toBe(TEST_GENESIS_NS + 100n * SECOND + 100_000_000n);
  });
});

describe('crashed nodes', () => {
  for (const [n, f] of [
    [4, 1],
    [7, 2],
  ] as const) {
    it(`CN6: n=${n}: goes on with f=${f} crashed`, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, 10)).toBe(true);
      for (let i = 0; i < f; i += 1) {
        cluster.crash(i);
      }
      expect(reach(cluster, 50)).toBe(true);
      expect(safetyViolations(cluster)).toEqual([]);
    });

    it(`CN6: n=${n}: stalls with f+1=${f + 1} crashed and resumes after restart`, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, 10)).toBe(true);
      for (let i = 0; i <= f; i += 1) {
        cluster.crash(i);
      }
      cluster.runUntil(() => false, 30_000);
      const stalled = lowestFinalized(cluster);
      expect(reach(cluster, stalled + 1, 120_000)).toBe(false);
      for (let i = 0; i <= f; i += 1) {
        cluster.restart(i);
      }
      expect(reach(cluster, stalled + 20)).toBe(true);
      expect(safetyViolations(cluster)).toEqual([]);
    });
  }

  it('CN12 CN7: a wiped node replays from genesis while no catch-up package exists', () => {
    const cluster = new MiniCluster({ nodes: 4, parameters: { dkgIntervalLength: 99 } });
    expect(reach(cluster, 10)).toBe(true);
    cluster.crash(2);
    expect(reach(cluster, 40)).toBe(true);
    cluster.restart(2, true);
    expect(reach(cluster, 60)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    expect(cluster.nodes[2]?.state.latest).toBeGreaterThanOrEqual(59);
  });

  it('CN59: a wiped node far behind adopts the catch-up package and asks for its state', () => {
    const cluster = new MiniCluster({ nodes: 4 });
    expect(reach(cluster, 10)).toBe(true);
    cluster.crash(2);
    expect(reach(cluster, 95)).toBe(true);
    cluster.restart(2, true);
    const node = cluster.nodes[2] as ClusterNode;
    expect(cluster.runUntil(() => (node.lastPoll?.stateSync ?? null) !== null, 60_000)).toBe(true);
    const request = node.lastPoll?.stateSync;
    expect(request?.height).toBeGreaterThanOrEqual(80);
    // The host loads the checkpoint of a peer.
    const peer = cluster.nodes[0] as ClusterNode;
    const height = request?.height ?? 0;
    expect(peer.state.checkpoints.get(height)).toBe(request?.stateHash);
    node.state.latest = height;
    node.state.certified = height;
    node.state.roots.set(height, peer.state.roots.get(height) as never);
    const before = node.batches.length;
    expect(reach(cluster, 120)).toBe(true);
    expect(node.lastPoll?.stateSync ?? null).toBe(null);
    expect(node.batches.length).toBeGreaterThan(before);
    expect(safetyViolations(cluster)).toEqual([]);
  });

  for (const n of [4, 7]) {
    it(`CN7: n=${n}: slow, reordering links and a restart every few blocks: forks, but one chain`, () => {
      const cluster = new MiniCluster({
        nodes: n,
        seed: 'slow links',
        maxDelayMs: 350,
        parameters: { unitDelayMs: 100, initialNotaryDelayMs: 30 },
      });
      for (let round = 1; round <= 4; round += 1) {
        expect(reach(cluster, round * 6), `round ${round}`).toBe(true);
        cluster.crash(round % n);
        cluster.runUntil(() => false, 1500);
        cluster.restart(round % n);
      }
      expect(reach(cluster, 30)).toBe(true);
      expect(safetyViolations(cluster)).toEqual([]);
      const ranks = cluster.nodes.flatMap((node) =>
        node.trace.flatMap((event) => (event.kind === 'blockProposed' ? [event.block.rank] : [])),
      );
      expect(Math.max(...ranks), 'rounds with competing blocks').toBeGreaterThan(0);
    });
  }

  it('CN51: a node restarted from its pool never contradicts itself', () => {
    const cluster = new MiniCluster({ nodes: 4, seed: 'amnesia' });
    for (let round = 1; round <= 8; round += 1) {
      expect(reach(cluster, round * 5)).toBe(true);
      cluster.crash(round % 4);
      cluster.restart(round % 4);
    }
    expect(reach(cluster, 45)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
  });
});
