import { MiniCluster } from '../../consensus/testing/mini-cluster.ts';
import type { ClusterNode, ClusterOptions } from '../../consensus/testing/mini-cluster.ts';
import type { TraceEvent } from '../../interfaces/trace.ts';
import type { Block, DkgSummary } from '../../types/artifacts.ts';
import type { Height, NodeId } from '../../types/ids.ts';

/** What tests of the key generation ask of a cluster. */

export const INTERVAL = 10;

/** Gives nodes that ask for a state the one of a peer: state transfer is not what is tested. */
function serveStates(cluster: MiniCluster): void {
  for (const node of cluster.nodes) {
    const wanted = node.alive ? (node.lastPoll?.stateSync ?? null) : null;
    const donor = cluster.nodes.find(
      ({ state, alive }) => alive && wanted !== null && state.checkpoints.has(wanted.height),
    );
    if (wanted === null || donor === undefined || node.state.latest >= wanted.height) {
      continue;
    }
    const { height } = wanted;
    for (const kept of ['roots', 'checkpoints'] as const) {
      const value = donor.state[kept].get(height);
      if (value !== undefined) {
        node.state[kept].set(height, value);
      }
    }
    node.state.latest = height;
    node.wakeNs = cluster.nowNs;
  }
}

/** Runs until these nodes (all that are alive unless told) have finalized `height`. */
export function finalize(
  cluster: MiniCluster,
  height: Height,
  who: (node: ClusterNode) => boolean = (node) => node.alive,
): boolean {
  return cluster.runUntil(() => {
    serveStates(cluster);
    return cluster.nodes.filter(who).every((node) => node.consensus.status().finalized >= height);
  }, 600_000);
}

export function startCluster(options: ClusterOptions): MiniCluster {
  return new MiniCluster({ ...options, seed: options.seed ?? 'key generation' });
}

export function ids(cluster: MiniCluster, ...indexes: readonly number[]): readonly NodeId[] {
  return indexes.map((index) => (cluster.nodes[index] as ClusterNode).nodeId);
}

/** The finalized summary at a height, as a node's pool holds it. */
export function summaryAt(node: ClusterNode, height: Height): DkgSummary {
  const blocks: readonly Block[] = [
    ...node.consensus.pool.validated.at('catchUpPackage', height).map((cup) => cup.block),
    ...node.consensus.pool.validated.at('blockProposal', height).map((proposal) => proposal.block),
  ];
  const payload = blocks[0]?.payload;
  if (payload?.kind !== 'summary') {
    throw new RangeError(`no summary of height ${height}`);
  }
  return payload.summary;
}

export function facts<K extends TraceEvent['kind']>(
  node: ClusterNode,
  kind: K,
): readonly Extract<TraceEvent, { readonly kind: K }>[] {
  return node.trace.filter(
    (event): event is Extract<TraceEvent, { readonly kind: K }> => event.kind === kind,
  );
}
