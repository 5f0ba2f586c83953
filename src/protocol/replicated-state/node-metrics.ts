import { compareText } from '../../base/bytes.ts';
import { NODE_METRICS_DAYS } from '../limits/management.ts';
import type { NodeId, TimeNs } from '../types/ids.ts';

/**
 * How many blocks each node made, and how often it was its turn and another one's block was taken:
 * one sample for each UTC day.
 * @upstream rs/replicated_state/src/metadata_state.rs#BlockmakerMetricsTimeSeries
 */
export interface NodeMetrics {
  readonly nodeId: NodeId;
  readonly blocksProposed: bigint;
  readonly blockFailures: bigint;
}

export interface NodeMetricsSample {
  /** Of the newest batch of the day. */
  readonly timeNs: TimeNs;
  /** Totals, by node id. */
  readonly nodes: readonly NodeMetrics[];
}

const NS_PER_DAY = 86_400_000_000_000n;

function isSame(a: NodeMetrics, b: NodeMetrics | undefined): boolean {
  return a.blocksProposed === b?.blocksProposed && a.blockFailures === b.blockFailures;
}

/** Nodes of a sample whose numbers are not those of the sample before. */
export function changedNodes(
  sample: NodeMetricsSample,
  before: NodeMetricsSample | undefined,
): readonly NodeMetrics[] {
  return sample.nodes.filter(
    (node) =>
      !isSame(
        node,
        before?.nodes.find(({ nodeId }) => nodeId === node.nodeId),
      ),
  );
}

/** The samples with one more block. */
export function withBlock(
  samples: readonly NodeMetricsSample[],
  timeNs: TimeNs,
  maker: NodeId,
  failed: readonly NodeId[],
): readonly NodeMetricsSample[] {
  const last = samples.at(-1);
  const sameDay = last !== undefined && last.timeNs / NS_PER_DAY === timeNs / NS_PER_DAY;
  // Who did nothing on the last day is forgotten, and begins anew should it come back.
  const known = last === undefined || sameDay ? last?.nodes : changedNodes(last, samples.at(-2));
  const nodes = new Map((known ?? []).map((node) => [node.nodeId, node]));
  const count = (nodeId: NodeId, proposed: bigint, failures: bigint): void => {
    const node = nodes.get(nodeId);
    nodes.set(nodeId, {
      nodeId,
      blocksProposed: (node?.blocksProposed ?? 0n) + proposed,
      blockFailures: (node?.blockFailures ?? 0n) + failures,
    });
  };
  count(maker, 1n, 0n);
  for (const nodeId of failed) {
    count(nodeId, 0n, 1n);
  }
  const sorted = [...nodes.values()].sort((a, b) => compareText(a.nodeId, b.nodeId));
  const older = sameDay ? samples.slice(0, -1) : samples;
  return [...older, { timeNs, nodes: sorted }].slice(-NODE_METRICS_DAYS);
}
