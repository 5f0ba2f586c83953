import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { safetyViolations } from '../consensus/testing/cluster-checks.ts';
import type { ClusterNode, MiniCluster } from '../consensus/testing/mini-cluster.ts';
import { createRealSuite } from '../crypto/real-suite.ts';
import type { Artifact, SignedDkgDealing } from '../types/artifacts.ts';
import { facts, finalize, ids, INTERVAL, startCluster, summaryAt } from './testing/dkg-cluster.ts';

const first = (cluster: MiniCluster): ClusterNode => cluster.nodes[0] as ClusterNode;

function expectSubnetKeyKept(cluster: MiniCluster, height: number): void {
  const { high } = summaryAt(first(cluster), height).currentTranscripts;
  expect(bytesToHex(high.key.publicKey)).toBe(bytesToHex(cluster.genesis.highTranscript.publicKey));
}

describe('key generation through blocks', () => {
  it('CN90: makes a new low key each interval and deals the high key anew', () => {
    const cluster = startCluster({ nodes: 4 });
    expect(finalize(cluster, 5 * INTERVAL + 5)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    const lowKeys = new Set<string>();
    for (const height of [10, 20, 30, 40, 50]) {
      const { currentTranscripts, nextTranscripts } = summaryAt(first(cluster), height);
      expect(nextTranscripts.low, `low key made by ${height}`).not.toBeNull();
      expect(nextTranscripts.high?.dealings, `high key made by ${height}`).toHaveLength(3);
      lowKeys.add(bytesToHex(currentTranscripts.low.key.publicKey));
      expectSubnetKeyKept(cluster, height);
    }
    expect(lowKeys.size, 'current low keys of five intervals, of which the first is dealt').toBe(5);
    for (const node of cluster.nodes) {
      expect(facts(node, 'dkgDealingMade')).toHaveLength(12);
      expect(facts(node, 'dkgTranscriptKept')).toEqual([]);
      expect(facts(node, 'dkgShareLoaded')).toHaveLength(10);
      expect(node.trace.filter((event) => event.kind === 'artifactRejected')).toEqual([]);
    }
  });

  it('CN97: forgets the shares of keys that no summary from the catch-up package on names', () => {
    const cluster = startCluster({ nodes: 4 });
    expect(finalize(cluster, 3 * INTERVAL + 5)).toBe(true);
    for (const node of cluster.nodes) {
      expect(node.consensus.status().catchUpPackage).toBe(3 * INTERVAL);
      const { lowTranscript, highTranscript } = cluster.genesis;
      expect(node.crypto.shareOf(lowTranscript)).toBeUndefined();
      expect(node.crypto.shareOf(highTranscript)).toBeUndefined();
      const { currentTranscripts: current, nextTranscripts: next } = summaryAt(node, 30);
      for (const transcript of [current.low, current.high, next.low, next.high]) {
        expect(transcript && node.crypto.shareOf(transcript.key)).toBeDefined();
      }
    }
  });

  it('CN90: works with the real BLS12-381', () => {
    const cluster = startCluster({
      nodes: 4,
      suite: createRealSuite(),
      maxDelayMs: 3,
      parameters: { dkgIntervalLength: 7 },
    });
    expect(finalize(cluster, 9)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    const { low, high } = summaryAt(first(cluster), 8).nextTranscripts;
    if (low === null || high === null) {
      throw new RangeError('both keys are made');
    }
    expect(high.key.publicKey).toEqual(cluster.genesis.highTranscript.publicKey);
    expect(low.key.publicKey).not.toEqual(cluster.genesis.lowTranscript.publicKey);
    const message = Uint8Array.of(1, 2, 3);
    const cryptos = cluster.nodes.map(({ crypto }) =>
      crypto.bind({ low: low.key, high: high.key }),
    );
    for (const tag of ['low', 'high'] as const) {
      const shares = cryptos.map((crypto) => ({
        signer: crypto.nodeId,
        signature: crypto.signThreshold(tag, message) ?? new Uint8Array(48),
      }));
      expect(cryptos[0]?.combineThreshold(tag, message, shares.slice(1))).toMatchObject({
        kind: 'combined',
      });
    }
  }, 120_000);

  it('CN97: a node restarted at any height of an interval signs with its shares again', () => {
    const cluster = startCluster({ nodes: 4 });
    for (let height = 11; height <= 21; height += 1) {
      expect(finalize(cluster, height), `height ${height}`).toBe(true);
      cluster.crash(height % 4);
      cluster.restart(height % 4);
    }
    expect(finalize(cluster, 45)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    for (const node of cluster.nodes) {
      expect(facts(node, 'dkgTranscriptKept')).toEqual([]);
    }
  });
});

describe('membership', () => {
  const change = (cluster: MiniCluster, ...members: readonly number[]): void => {
    cluster.changeRegistry({ kind: 'setMembership', members: ids(cluster, ...members) });
    for (const index of members) {
      if (!(cluster.nodes[index] as ClusterNode).alive) {
        cluster.restart(index, true);
      }
    }
  };
  /** Two intervals after the summary that saw a change, its keys are in force. */
  const settle = (cluster: MiniCluster, who?: (node: ClusterNode) => boolean): number => {
    const { finalized } = first(cluster).consensus.status();
    const height = (Math.floor(finalized / INTERVAL) + 4) * INTERVAL;
    expect(finalize(cluster, height + 5, who)).toBe(true);
    return height;
  };
  const receiversAt = (cluster: MiniCluster, height: number): readonly string[] =>
    summaryAt(first(cluster), height).currentTranscripts.high.key.receivers;

  for (const [title, start, spare, steps] of [
    [
      'grows by one and shrinks again',
      4,
      1,
      [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3],
      ],
    ],
    ['grows from four to seven', 4, 3, [[0, 1, 2, 3, 4, 5, 6]]],
    ['replaces one node', 4, 1, [[0, 1, 2, 4]]],
    ['grows from a lone node to four and shrinks again', 1, 3, [[0, 1, 2, 3], [0]]],
  ] as const) {
    it(`CN90 CN98: ${title}; the public key stays`, () => {
      const cluster = startCluster({ nodes: start, spareNodes: spare });
      expect(finalize(cluster, 12)).toBe(true);
      for (const members of steps) {
        change(cluster, ...members);
        const isMember = (node: ClusterNode): boolean => members.includes(node.index as never);
        const height = settle(cluster, isMember);
        expect(receiversAt(cluster, height)).toEqual([...ids(cluster, ...members)].sort());
        expectSubnetKeyKept(cluster, height);
        for (const node of cluster.nodes) {
          if (!isMember(node) && node.alive) {
            expect(facts(node, 'leftSubnet'), `node ${node.index} left`).not.toEqual([]);
            cluster.crash(node.index);
          }
        }
      }
      expect(safetyViolations(cluster)).toEqual([]);
    });
  }

  it('CN99: undecided blocks wait for nodes that have not heard of the registry version', () => {
    const cluster = startCluster({ nodes: 4, spareNodes: 1 });
    expect(finalize(cluster, 5)).toBe(true);
    const late = cluster.nodes[3] as ClusterNode;
    const apply = late.registry.apply.bind(late.registry);
    let pending: Parameters<typeof apply>[0] = [];
    Object.assign(late.registry, {
      apply: (records: Parameters<typeof apply>[0]) => {
        pending = records;
        return false;
      },
    });
    change(cluster, 0, 1, 2, 3, 4);
    cluster.runUntil(() => false, 4000);
    const ahead = first(cluster).consensus.status().finalized;
    expect(ahead).toBeGreaterThan(8);
    apply(pending, cluster.nowNs);
    late.wakeNs = cluster.nowNs;
    expect(finalize(cluster, ahead + 5)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
  });
});

describe('corrupt dealers', () => {
  /** Damages the pieces of a dealing for one receiver and signs it anew: what only that receiver sees. */
  const cheatWith = (
    corrupt: (cluster: MiniCluster, dealing: SignedDkgDealing) => Artifact,
    who: number,
  ): MiniCluster => {
    let cluster: MiniCluster | undefined = undefined;
    cluster = startCluster({
      nodes: 4,
      tamper: (from, _to, artifact) =>
        from === who && artifact.kind === 'dkgDealing' && cluster !== undefined
          ? [corrupt(cluster, artifact)]
          : [artifact],
    });
    return cluster;
  };

  it('CN96: too few dealings keep the old keys for one more interval', () => {
    const cluster = startCluster({
      nodes: 4,
      tamper: (_from, _to, artifact) =>
        artifact.kind === 'dkgDealing' && artifact.height === 10 ? [] : [artifact],
    });
    expect(finalize(cluster, 45)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    const before = summaryAt(first(cluster), 20);
    const after = summaryAt(first(cluster), 30);
    // Each maker still includes the dealings it made itself.
    const { low, high } = before.nextTranscripts;
    expect([low === null, high === null].includes(true)).toBe(true);
    for (const tag of ['low', 'high'] as const) {
      if (before.nextTranscripts[tag] === null) {
        expect(after.currentTranscripts[tag]).toEqual(before.currentTranscripts[tag]);
      }
    }
    expect(facts(first(cluster), 'dkgTranscriptKept').map(({ height }) => height)).toContain(20);
    expect(summaryAt(first(cluster), 40).nextTranscripts.high).not.toBeNull();
  });

  it('CN96: malformed dealings of f dealers are refused and the others make the keys', () => {
    const cluster = cheatWith(
      (_cluster, dealing) => ({ ...dealing, signature: new Uint8Array(64) }),
      2,
    );
    expect(finalize(cluster, 35)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    for (const height of [10, 20, 30]) {
      const { nextTranscripts } = summaryAt(first(cluster), height);
      expect(nextTranscripts.low).not.toBeNull();
      expect(nextTranscripts.high).not.toBeNull();
    }
    const codes = facts(first(cluster), 'artifactRejected').map(({ code }) => code);
    expect(codes).toContain('BAD_DEALING_SIGNATURE');
  });

  it('CN95: a dealing with a bad piece is complained about and does not count', () => {
    const cluster = startCluster({ nodes: 4 });
    const dealer = cluster.nodes[2] as ClusterNode;
    const victim = cluster.nodes[1] as ClusterNode;
    const honest = dealer.crypto.dkg.deal.bind(dealer.crypto.dkg);
    Object.assign(dealer.crypto.dkg, {
      deal: (...[config, records]: Parameters<typeof honest>) => {
        const record = records.get(victim.nodeId);
        const own = records.get(dealer.nodeId);
        return record === undefined || own === undefined
          ? undefined
          : honest(
              config,
              new Map([...records, [victim.nodeId, { ...record, dkgPublicKey: own.dkgPublicKey }]]),
            );
      },
    });
    expect(finalize(cluster, 45)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
    expect(facts(victim, 'dkgComplaintMade').length).toBeGreaterThan(0);
    const included = facts(first(cluster), 'dkgComplaintIncluded');
    expect(included.length).toBeGreaterThan(3);
    for (const complaint of included) {
      expect(complaint).toMatchObject({ dealer: dealer.nodeId, complainer: victim.nodeId });
    }
    for (const height of [10, 20, 30, 40]) {
      const { low, high } = summaryAt(first(cluster), height).nextTranscripts;
      for (const made of [low, high]) {
        expect(made, `keys made by ${height}`).not.toBeNull();
        expect(made?.dealings.map((dealing) => dealing.dealer)).not.toContain(dealer.nodeId);
      }
    }
    expect(facts(victim, 'dkgShareMissing')).toEqual([]);
    expect(facts(victim, 'dkgShareLoaded')).toHaveLength(8);
  });
});
