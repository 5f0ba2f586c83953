import { compareText } from '../../base/bytes.ts';
import type { CborInput, CborValue } from '../crypto/cbor.ts';
import type { CanisterId, NodeId } from '../types/ids.ts';
import type { QueryCounts, QueryStatsReport } from '../types/query-stats.ts';
import { big, list, small, text } from './decode-fields.ts';

/** Reports of query statistics that are not yet added to the canisters' totals. */
export interface QueryStatsState {
  /** The first epoch that is not added yet. */
  readonly nextEpoch: number;
  /** By epoch and node, each node once in an epoch. */
  readonly reports: readonly NodeReport[];
}

export interface NodeReport extends QueryStatsReport {
  readonly node: NodeId;
}

export const NO_QUERY_STATS: QueryStatsState = { nextEpoch: 0, reports: [] };

export function compareReports(a: NodeReport, b: NodeReport): number {
  return a.epoch - b.epoch || compareText(a.node, b.node);
}

export function countsToCbor(value: QueryCounts): CborInput {
  const { calls, instructions, requestBytes, responseBytes } = value;
  return [calls, instructions, requestBytes, responseBytes].map(String);
}

export function countsFromCbor(value: CborValue | undefined): QueryCounts {
  const [calls, instructions, requestBytes, responseBytes] = list(value);
  return {
    calls: big(calls),
    instructions: big(instructions),
    requestBytes: big(requestBytes),
    responseBytes: big(responseBytes),
  };
}

export function queryStatsToCbor({ nextEpoch, reports }: QueryStatsState): CborInput {
  return [
    nextEpoch,
    reports.map(({ epoch, node, canisters }) => [
      epoch,
      node,
      canisters.map(([canisterId, counts]) => [canisterId, countsToCbor(counts)]),
    ]),
  ];
}

/** Throws `Malformed`. */
export function queryStatsFromCbor(value: CborValue | undefined): QueryStatsState {
  const [nextEpoch, reports] = list(value);
  return {
    nextEpoch: small(nextEpoch),
    reports: list(reports).map((report) => {
      const [epoch, node, canisters] = list(report);
      return {
        epoch: small(epoch),
        node: text<NodeId>(node),
        canisters: list(canisters).map((item) => {
          const [canisterId, counts] = list(item);
          return [text<CanisterId>(canisterId), countsFromCbor(counts)] as const;
        }),
      };
    }),
  };
}
