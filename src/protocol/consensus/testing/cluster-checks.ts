import type { ClusterNode, MiniCluster } from './mini-cluster.ts';

/** What tests of whole clusters ask. */

export function aliveNodes(cluster: MiniCluster): readonly ClusterNode[] {
  return cluster.nodes.filter((node) => node.alive);
}

export function lowestFinalized(cluster: MiniCluster): number {
  return Math.min(...aliveNodes(cluster).map((node) => node.consensus.status().finalized));
}

/** Runs until every live node has finalized `height`; false when virtual time is over first. */
export function reach(cluster: MiniCluster, height: number, maxVirtualMs = 300_000): boolean {
  return cluster.runUntil(() => lowestFinalized(cluster) >= height, maxVirtualMs);
}

/**
 * Everything that ever happened must be safe: one finalized block and one state root per height on
 * all nodes, and no critical error. Returns what was broken, or that nothing was finalized.
 */
export function safetyViolations(cluster: MiniCluster): readonly string[] {
  const violations: string[] = [];
  const known = new Map<string, string>();
  const check = (what: string, value: string): void => {
    const before = known.get(what) ?? value;
    if (before !== value) {
      violations.push(`${what}: ${before} and ${value}`);
    }
    known.set(what, value);
  };
  let finalized = 0;
  for (const { index, trace, state } of cluster.nodes) {
    for (const event of trace) {
      if (event.kind === 'criticalError') {
        violations.push(`node ${index}: ${event.code}: ${event.message}`);
      } else if (event.kind === 'finalized') {
        finalized += 1;
        check(`finalized block of height ${event.height}`, event.hash);
      }
    }
    for (const [height, root] of state.roots) {
      check(`state root of height ${height}`, root);
    }
  }
  return finalized === 0 ? ['nothing was finalized'] : violations;
}
