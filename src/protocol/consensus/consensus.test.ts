import { describe, expect, it } from 'vitest';
import { createRealSuite } from '../crypto/real-suite.ts';
import { decodeArtifact, encodeArtifact, sealArtifact } from '../types/artifact-codec.ts';
import type { Artifact, BlockProposal } from '../types/artifacts.ts';
import { sealBlock } from '../types/block-codec.ts';
import type { HashHex } from '../types/ids.ts';
import {
  blockSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
} from '../types/signed-bytes.ts';
import type { ClusterNode } from './testing/mini-cluster.ts';
import type { Consensus } from './consensus-interface.ts';
import { createConsensus } from './consensus.ts';
import { MiniCluster, TEST_GENESIS_NS } from './testing/mini-cluster.ts';
import { RoleFixture } from './testing/role-fixture.ts';

const alive = (cluster: MiniCluster): readonly ClusterNode[] =>
  cluster.nodes.filter((node) => node.alive);
const lowestFinalized = (cluster: MiniCluster): number =>
  Math.min(...alive(cluster).map((node) => node.consensus.status().finalized));
const reach = (cluster: MiniCluster, height: number, maxVirtualMs = 300_000): boolean =>
  cluster.runUntil(() => lowestFinalized(cluster) >= height, maxVirtualMs);

/** Safety over everything that ever happened: one block and one root per height, no critical error. */
function expectSafe(cluster: MiniCluster): void {
  const blocks = new Map<number, string>();
  const roots = new Map<number, string>();
  for (const node of cluster.nodes) {
    for (const event of node.trace) {
      expect(
        event.kind,
        JSON.stringify(event, (_, v) => String(v)),
      ).not.toBe('criticalError');
      if (event.kind === 'finalized') {
        const known = blocks.get(event.height) ?? event.hash;
        expect(event.hash, `finalized block of height ${event.height}`).toBe(known);
        blocks.set(event.height, event.hash);
      }
    }
    for (const [height, root] of node.state.roots) {
      expect(root, `state root of height ${height}`).toBe(roots.get(height) ?? root);
      roots.set(height, root);
    }
  }
  expect(blocks.size).toBeGreaterThan(0);
}

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
    it(`n=${n}: reaches 50 finalized heights, executes, certifies and packages them`, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, 50)).toBe(true);
      expectSafe(cluster);
      expectBatchesInOrder(cluster);
      for (const node of cluster.nodes) {
        const status = node.consensus.status();
        expect(status.catchUpPackage).toBe(40);
        expect(status.certified).toBeGreaterThanOrEqual(48);
        expect(status.expectedBatch).toBeGreaterThanOrEqual(50);
      }
    });
  }

  it('makes about one block per notary delay and hop, and rank 0 wins every round', () => {
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

  it('is deterministic: the same seed gives the same blocks at the same times', () => {
    const run = (): unknown[] => {
      const cluster = new MiniCluster({ nodes: 4, seed: 'twice' });
      reach(cluster, 20);
      return cluster.nodes.map((node) => node.batches.map((b) => [b.blockHash, b.timeNs]));
    };
    expect(run()).toEqual(run());
  });

  it('keeps the pools bounded', () => {
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

  it('works with the real BLS12-381 and verifies each aggregate at most once', () => {
    const cluster = new MiniCluster({ nodes: 4, suite: createRealSuite(), maxDelayMs: 3 });
    expect(reach(cluster, 6)).toBe(true);
    expectSafe(cluster);
    for (const node of cluster.nodes) {
      const heights = node.consensus.status().notarized + 1;
      const { blsVerify, blsSign } = node.crypto.counters();
      // Beacon, tape, notarization, finalization, certification.
      expect(blsVerify / heights, `verifications of ${blsVerify}`).toBeLessThanOrEqual(5);
      expect(blsSign / heights, `signatures of ${blsSign}`).toBeLessThanOrEqual(5);
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

  it('names the next time at which something can happen, and nothing happens before it', () => {
    const { consensus } = single();
    const start = TEST_GENESIS_NS + 10n * SECOND;
    const wakeNs = consensus.poll(start).nextWakeNs as bigint;
    expect(wakeNs).toBe(start + 100_000_000n);
    const early = consensus.poll(wakeNs - 1n);
    expect([early.transmits, early.trace, early.nextWakeNs]).toEqual([[], [], wakeNs]);
    expect(consensus.poll(wakeNs).transmits.length).toBeGreaterThan(0);
    expect(consensus.status().finalized).toBe(1);
  });

  it('holds batches back while message routing is full, then delivers each once', () => {
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

  it('a restored node re-offers what it had and continues above it', () => {
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

  it('clock readings that go back do no harm', () => {
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
    it(`n=${n}: goes on with f=${f} crashed`, () => {
      const cluster = new MiniCluster({ nodes: n });
      expect(reach(cluster, 10)).toBe(true);
      for (let i = 0; i < f; i += 1) {
        cluster.crash(i);
      }
      expect(reach(cluster, 50)).toBe(true);
      expectSafe(cluster);
    });

    it(`n=${n}: stalls with f+1=${f + 1} crashed and resumes after restart`, () => {
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
      expectSafe(cluster);
    });
  }

  it('a wiped node replays from genesis while no catch-up package exists', () => {
    const cluster = new MiniCluster({ nodes: 4, parameters: { dkgIntervalLength: 99 } });
    expect(reach(cluster, 10)).toBe(true);
    cluster.crash(2);
    expect(reach(cluster, 40)).toBe(true);
    cluster.restart(2, true);
    expect(reach(cluster, 60)).toBe(true);
    expectSafe(cluster);
    expect(cluster.nodes[2]?.state.latest).toBeGreaterThanOrEqual(59);
  });

  it('a wiped node far behind adopts the catch-up package and asks for its state', () => {
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
    expectSafe(cluster);
  });

  for (const n of [4, 7]) {
    it(`n=${n}: slow, reordering links and a restart every few blocks: forks, but one chain`, () => {
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
      expectSafe(cluster);
      const ranks = cluster.nodes.flatMap((node) =>
        node.trace.flatMap((event) => (event.kind === 'blockProposed' ? [event.block.rank] : [])),
      );
      expect(Math.max(...ranks), 'rounds with competing blocks').toBeGreaterThan(0);
    });
  }

  it('a node restarted from its pool never contradicts itself', () => {
    const cluster = new MiniCluster({ nodes: 4, seed: 'amnesia' });
    for (let round = 1; round <= 8; round += 1) {
      expect(reach(cluster, round * 5)).toBe(true);
      cluster.crash(round % 4);
      cluster.restart(round % 4);
    }
    expect(reach(cluster, 45)).toBe(true);
    expectSafe(cluster);
  });
});

function corrupt(artifact: Artifact): Artifact {
  if (!('signature' in artifact)) {
    return artifact;
  }
  const signature = artifact.signature.slice();
  signature[7] = (signature[7] as number) ^ 1;
  return sealArtifact({ ...artifact, signature } as never);
}

/** The same height and parent, another time, signed by the same maker. */
function secondBlock(cluster: MiniCluster, proposal: BlockProposal): BlockProposal {
  const { block } = proposal;
  const context = { ...block.context, timeNs: block.context.timeNs - 1n };
  const other = sealBlock({ ...block, context });
  const crypto = (cluster.nodes[0] as ClusterNode).crypto;
  return sealArtifact<'blockProposal'>({
    kind: 'blockProposal',
    height: block.height,
    block: other,
    signer: proposal.signer,
    signature: crypto.signBasic(
      blockSignedBytes(other.blockHash, block.height, cluster.genesis.subnetId),
    ),
  });
}

/**
 * Node 0 shows each half of its peers another block, and signs notarizations and finalizations for
 * every block it ever saw.
 */
function createSplitter() {
  const seen = new Map<number, Set<HashHex>>();
  const saw = (height: number, hash: HashHex): void => {
    seen.set(height, (seen.get(height) ?? new Set<HashHex>()).add(hash));
  };
  const tamper = (
    cluster: MiniCluster,
    from: number,
    to: number,
    artifact: Artifact,
  ): readonly Artifact[] => {
    const liar = cluster.nodes[0] as ClusterNode;
    const { kind, height } = artifact;
    if (kind === 'blockProposal') {
      saw(height, artifact.block.blockHash);
    }
    if (from !== 0) {
      return [artifact];
    }
    if (kind === 'blockProposal' && artifact.signer === liar.nodeId) {
      const other = secondBlock(cluster, artifact);
      saw(height, other.block.blockHash);
      return [to % 2 === 0 ? artifact : other];
    }
    if (kind !== 'notarizationShare' && kind !== 'finalizationShare') {
      return [artifact];
    }
    const signer = liar.nodeId;
    return [...(seen.get(height) ?? [])].flatMap((blockHash) => [
      sealArtifact<'notarizationShare'>({
        kind: 'notarizationShare',
        height,
        blockHash,
        signer,
        signature: liar.crypto.signMulti(notarizationSignedBytes(height, blockHash)),
      }),
      sealArtifact<'finalizationShare'>({
        kind: 'finalizationShare',
        height,
        blockHash,
        signer,
        signature: liar.crypto.signMulti(finalizationSignedBytes(height, blockHash)),
      }),
    ]);
  };
  return { tamper };
}

describe('a Byzantine node', () => {
  it('with bad signatures is found out and the subnet goes on', () => {
    const cluster = new MiniCluster({
      nodes: 4,
      tamper: (from, _to, artifact) => [from === 0 ? corrupt(artifact) : artifact],
    });
    const honest = cluster.nodes.slice(1);
    const done = cluster.runUntil(
      () => honest.every((node) => node.consensus.status().finalized >= 40),
      300_000,
    );
    expect(done).toBe(true);
    expectSafe(cluster);
    const blamed = honest.flatMap((node) =>
      node.trace.flatMap((event) => (event.kind === 'artifactRejected' ? [event.from] : [])),
    );
    expect(blamed.length).toBeGreaterThan(20);
    expect(new Set(blamed)).toEqual(new Set([cluster.nodes[0]?.nodeId]));
  });

  for (const nodes of [4, 7]) {
    for (const seed of ['split 1', 'split 2']) {
      it(`n=${nodes}, seed "${seed}": two blocks, votes for everything: proven guilty, no fork, no stall`, () => {
        const splitter = createSplitter();
        const cluster = new MiniCluster({
          nodes,
          seed,
          maxDelayMs: 350,
          parameters: { unitDelayMs: 100, initialNotaryDelayMs: 30 },
          tamper: (from, to, artifact) => splitter.tamper(cluster, from, to, artifact),
        });
        const proofs = new Set<number>();
        const done = cluster.runUntil(() => {
          for (const { consensus } of cluster.nodes) {
            const height = consensus.pool.validated.maxHeight('equivocationProof');
            if (height !== undefined) {
              proofs.add(height);
            }
          }
          return lowestFinalized(cluster) >= 25;
        }, 600_000);
        expect(done).toBe(true);
        expectSafe(cluster);
        expect(proofs.size).toBeGreaterThan(2);
      });
    }
  }

  it('that withholds everything from one peer cannot stop that peer', () => {
    const cluster = new MiniCluster({
      nodes: 4,
      tamper: (from, to, artifact) => (from === 0 && to === 3 ? [] : [artifact]),
    });
    expect(reach(cluster, 40)).toBe(true);
    expectSafe(cluster);
  });

  it("cannot place shares under another node's name", () => {
    const cluster = new MiniCluster({ nodes: 4 });
    expect(reach(cluster, 3)).toBe(true);
    const [liar, victim, receiver] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
    const height = receiver.consensus.status().notarized + 1;
    const share = sealArtifact<'notarizationShare'>({
      kind: 'notarizationShare',
      height,
      blockHash: '11'.repeat(32) as never,
      signer: victim.nodeId,
      signature: new Uint8Array(48),
    });
    expect(receiver.consensus.onArtifact(share, liar.nodeId, cluster.nowNs)).toBe('rejected');
    expect(receiver.consensus.onArtifact(share, victim.nodeId, cluster.nowNs)).toBe('inserted');
  });

  it('cannot fill the unvalidated pool', () => {
    const cluster = new MiniCluster({ nodes: 4 });
    expect(reach(cluster, 3)).toBe(true);
    const [liar, receiver] = cluster.nodes as [ClusterNode, ClusterNode];
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 2000; i += 1) {
      const outcome = receiver.consensus.onArtifact(
        sealArtifact<'notarizationShare'>({
          kind: 'notarizationShare',
          height: 1 + (i % 200),
          blockHash: i.toString(16).padStart(64, '0') as never,
          signer: liar.nodeId,
          signature: new Uint8Array(48),
        }),
        liar.nodeId,
        cluster.nowNs,
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(outcomes.get('inserted')).toBeLessThanOrEqual(6 * 10);
    expect(outcomes.get('full')).toBeGreaterThan(0);
    expect(outcomes.get('unwanted')).toBeGreaterThan(1000);
  });
});
