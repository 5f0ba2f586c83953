import { QUERY_STATS_EPOCH_BLOCKS } from '../../limits/query.ts';
import { compareReports, type NodeReport } from '../../replicated-state/query-stats-state.ts';
import type { CanisterId, NodeId } from '../../types/ids.ts';
import {
  addCounts,
  NO_QUERIES,
  type QueryCounts,
  type QueryStatsReport,
} from '../../types/query-stats.ts';
import type { RoundState } from '../round-state.ts';
import { queryStatsEpoch } from './query-stats-collector.ts';

/**
 * Takes the report of a block's maker. Nodes have an epoch's time to report the one before; then the
 * median of what they said, times their number, is added to each canister's totals.
 * Security: a median of at least n − f values is bounded by what honest nodes say; a node counts once.
 * @upstream rs/query_stats/src/state_machine.rs
 */
export function deliverQueryStats(
  round: RoundState,
  report: QueryStatsReport | undefined,
  maker: NodeId,
): void {
  const epoch = queryStatsEpoch(round.height);
  if (report !== undefined && report.epoch < epoch) {
    accept(round, { ...report, node: maker });
  }
  if (round.height % QUERY_STATS_EPOCH_BLOCKS === 0 && epoch >= 2) {
    aggregate(round, epoch - 2);
  }
}

function accept(round: RoundState, report: NodeReport): void {
  const { nextEpoch, reports } = round.queryStats;
  const isKnown = reports.some(({ epoch, node }) => epoch === report.epoch && node === report.node);
  if (report.epoch >= nextEpoch && !isKnown) {
    const all = [...reports, report].sort(compareReports);
    round.queryStats = { nextEpoch, reports: all };
  }
}

function aggregate(round: RoundState, epoch: number): void {
  const { reports } = round.queryStats;
  const ended = reports.filter((report) => report.epoch === epoch);
  round.queryStats = {
    nextEpoch: epoch + 1,
    reports: reports.filter((report) => report.epoch > epoch),
  };
  const { nodeCount } = round.env;
  const tolerated = Math.floor((nodeCount - 1) / 3);
  if (ended.length < nodeCount - tolerated) {
    return;
  }
  const byNode = ended.map(({ canisters }) => new Map(canisters));
  const mentioned = new Set(ended.flatMap(({ canisters }) => canisters.map(([id]) => id)));
  for (const canisterId of mentioned) {
    addTotals(round, canisterId, byNode);
  }
}

function addTotals(
  round: RoundState,
  canisterId: CanisterId,
  byNode: readonly ReadonlyMap<CanisterId, QueryCounts>[],
): void {
  const canister = round.canisters.get(canisterId);
  if (canister === undefined) {
    return;
  }
  // A node that says nothing of a canister answered no query of it.
  const counts = byNode.map((node) => node.get(canisterId) ?? NO_QUERIES);
  const total = (part: keyof QueryCounts): bigint =>
    medianOf(counts.map((count) => count[part])) * BigInt(round.env.nodeCount);
  const added = {
    calls: total('calls'),
    instructions: total('instructions'),
    requestBytes: total('requestBytes'),
    responseBytes: total('responseBytes'),
  };
  round.update(canisterId, { queryTotals: addCounts(canister.queryTotals, added) });
}

function medianOf(values: readonly bigint[]): bigint {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.floor(sorted.length / 2)] ?? 0n;
}
