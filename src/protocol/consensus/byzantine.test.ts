import { describe, expect, it } from 'vitest';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Artifact, BlockProposal } from '../types/artifacts.ts';
import { sealBlock } from '../types/block-codec.ts';
import type { HashHex } from '../types/ids.ts';
import {
  blockSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
} from '../types/signed-bytes.ts';
import { lowestFinalized, reach, safetyViolations } from './testing/cluster-checks.ts';
import type { ClusterNode } from './testing/mini-cluster.ts';
import { MiniCluster } from './testing/mini-cluster.ts';

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
  it('CN40 CN6: with bad signatures is found out and the subnet goes on', () => {
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
    expect(safetyViolations(cluster)).toEqual([]);
    const blamed = honest.flatMap((node) =>
      node.trace.flatMap((event) => (event.kind === 'artifactRejected' ? [event.from] : [])),
    );
    expect(blamed.length).toBeGreaterThan(20);
    expect(new Set(blamed)).toEqual(new Set([cluster.nodes[0]?.nodeId]));
  });

  for (const nodes of [4, 7]) {
    for (const seed of ['split 1', 'split 2']) {
      it(`CN6 CN44 CN46: n=${nodes}, seed "${seed}": two blocks, votes for everything: proven guilty, no fork, no stall`, () => {
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
        expect(safetyViolations(cluster)).toEqual([]);
        expect(proofs.size).toBeGreaterThan(2);
      });
    }
  }

  it('CN6: that withholds everything from one peer cannot stop that peer', () => {
    const cluster = new MiniCluster({
      nodes: 4,
      tamper: (from, to, artifact) => (from === 0 && to === 3 ? [] : [artifact]),
    });
    expect(reach(cluster, 40)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
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

  it('CN41: cannot fill the unvalidated pool', () => {
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
