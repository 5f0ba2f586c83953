import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import type { HashHex } from '../types/ids.ts';
import { reach, safetyViolations } from './testing/cluster-checks.ts';
import type { ClusterNode } from './testing/mini-cluster.ts';
import { freshState, MiniCluster } from './testing/mini-cluster.ts';
import { fakeHash } from './testing/role-fixture.ts';

function divergences(node: ClusterNode): readonly string[] {
  return node.trace.flatMap((event) =>
    event.kind === 'criticalError' && event.code === 'STATE_DIVERGED' ? [event.message] : [],
  );
}

/** Node 2 computed another checkpoint than its peers; runs until it knows. */
function diverged(): { cluster: MiniCluster; node: ClusterNode } {
  const cluster = new MiniCluster({ nodes: 4 });
  expect(reach(cluster, 19)).toBe(true);
  const node = present(cluster.nodes[2], 'a node');
  const found = cluster.runUntil(() => {
    if (node.state.checkpoints.has(20)) {
      node.state.checkpoints.set(20, fakeHash(666));
    }
    return (node.lastPoll?.diverged ?? null) !== null;
  }, 120_000);
  expect(found).toBe(true);
  return { cluster, node };
}

describe('an own state that the subnet contradicts', () => {
  it('CN60: is dropped: nothing is executed on it, the state of the package is asked for', () => {
    const { cluster, node } = diverged();
    const peer = present(cluster.nodes[0], 'a peer');
    const subnet = present(peer.state.checkpoints.get(20), 'the checkpoint of a peer');
    expect(node.lastPoll?.diverged).toEqual({
      height: 20,
      own: fakeHash(666),
      subnet,
      evidence: 'catchUpPackage',
    });
    expect(node.lastPoll?.stateSync).toEqual({ height: 20, stateHash: subnet });
    const executed = node.batches.length;
    cluster.runUntil(() => false, 2_000);
    expect(node.batches.length, 'no batch on a wrong state').toBe(executed);
    expect(divergences(node), 'said once').toHaveLength(1);
    const signed = node.consensus.pool.validated
      .heights('certificationShare')
      .filter((height) => height > 21);
    expect(signed, 'no signature on a wrong state').toEqual([]);
  });

  it('CN60: the node goes on from the state of the package, from the batch after it', () => {
    const { cluster, node } = diverged();
    const peer = present(cluster.nodes[0], 'a peer');
    const request = present(node.lastPoll?.stateSync ?? undefined, 'a request');
    node.state = freshState();
    node.state.latest = request.height;
    node.state.checkpoints.set(request.height, request.stateHash);
    node.state.roots.set(
      request.height,
      present(peer.state.roots.get(request.height), 'a root') as HashHex,
    );
    node.wakeNs = cluster.nowNs;
    const before = node.batches.length;
    expect(reach(cluster, 40)).toBe(true);
    expect(node.batches[before]?.height).toBe(request.height + 1);
    expect(node.lastPoll?.diverged).toBeNull();
    expect(safetyViolations(cluster).filter((text) => !text.includes('STATE_DIVERGED'))).toEqual(
      [],
    );
  });

  it('CN60: without a package, a replay that contradicts own certifications starts over at genesis', () => {
    const cluster = new MiniCluster({ nodes: 4, parameters: { dkgIntervalLength: 99 } });
    expect(reach(cluster, 15)).toBe(true);
    const node = present(cluster.nodes[2], 'a node');
    cluster.crash(2);
    node.state = freshState();
    for (let height = 1; height <= 12; height += 1) {
      node.state.roots.set(height, fakeHash(height));
    }
    node.state.latest = 12;
    cluster.restart(2);
    expect(cluster.runUntil(() => (node.lastPoll?.diverged ?? null) !== null, 1000)).toBe(true);
    expect(node.lastPoll?.diverged).toMatchObject({ evidence: 'certification', height: 1 });
    expect([node.lastPoll?.stateSync, node.lastPoll?.startOver]).toEqual([null, true]);
    node.state = freshState();
    node.wakeNs = cluster.nowNs;
    expect(reach(cluster, 30)).toBe(true);
    expect(node.state.latest).toBeGreaterThanOrEqual(29);
    expect(divergences(node)).toHaveLength(1);
  });
});

describe('a replay that fails again', () => {
  it('CN60: is not repeated: the node waits for a package', () => {
    const cluster = new MiniCluster({ nodes: 4, parameters: { dkgIntervalLength: 29 } });
    expect(reach(cluster, 10)).toBe(true);
    const node = present(cluster.nodes[2], 'a node');
    const spoil = (): void => {
      node.state = freshState();
      node.state.roots.set(1, fakeHash(1));
      node.state.latest = 1;
      node.wakeNs = cluster.nowNs;
    };
    cluster.crash(2);
    spoil();
    cluster.restart(2);
    let startsOver = 0;
    cluster.runUntil(() => {
      if (node.lastPoll?.startOver === true) {
        startsOver += 1;
        spoil();
        node.lastPoll = null;
      }
      return false;
    }, 500);
    expect(startsOver).toBe(1);
    expect(node.lastPoll?.diverged).toMatchObject({ height: 1 });
    const asksForPackage = () => (node.lastPoll?.stateSync?.height ?? 0) === 30;
    expect(cluster.runUntil(asksForPackage, 120_000)).toBe(true);
  });
});

describe('a finalized fork', () => {
  it('CN30: stops the node: it says so once, takes nothing and signs nothing, also after a restart', () => {
    const cluster = new MiniCluster({ nodes: 4, seed: 'fork' });
    expect(reach(cluster, 5)).toBe(true);
    const node = present(cluster.nodes[1], 'a node');
    const { consensus } = node;
    const tip = consensus.status().finalized;
    const stored = consensus.validatedArtifacts();
    const finalization = present(
      stored.find((a) => a.kind === 'finalization' && a.height === tip),
      'the newest finalization',
    );
    // More than f nodes lied: their finalization of another block lies in the pool as well.
    const rival = { ...finalization, blockHash: fakeHash(9), hash: fakeHash(10) } as never;
    const restarted = cluster.restartWith(1, [...stored, rival]);
    const first = restarted.poll(cluster.nowNs);
    expect(first.stopped).toBe(true);
    expect(first.trace).toMatchObject([{ kind: 'criticalError', code: 'FINALIZED_FORK' }]);
    expect([first.transmits, first.batches]).toEqual([[], []]);
    const peer = present(cluster.nodes[0], 'a peer');
    cluster.crash(1);
    expect(reach(cluster, 12), 'the others go on').toBe(true);
    for (const artifact of peer.consensus.validatedArtifacts()) {
      expect(restarted.onArtifact(artifact, peer.nodeId)).toBe('unwanted');
    }
    const later = restarted.poll(cluster.nowNs + 60_000_000_000n);
    expect([later.transmits, later.batches, later.trace]).toEqual([[], [], []]);
    expect(later.nextWakeNs).toBeNull();
  });
});
