import {
  queryStatsEpoch,
  type QueryStatsCollector,
} from '../execution/query/query-stats-collector.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { Height, NodeId } from '../types/ids.ts';
import type { QueryStatsReport } from '../types/query-stats.ts';

/** A report that no block of the chain holds after this many heights is sent again. */
const SEND_AGAIN_AFTER = 20;

/** Whether an epoch's report may be in a block with this certified height: it is over. */
export function isTimely({ epoch }: QueryStatsReport, certifiedHeight: Height): boolean {
  return epoch < queryStatsEpoch(certifiedHeight);
}

/** Puts this node's report of each epoch into one of its blocks. @upstream rs/query_stats/src/payload_builder.rs */
export class QueryStatsPayloads {
  readonly #node: NodeId;
  readonly #collector: QueryStatsCollector;
  #sent = { epoch: -1, height: 0 };

  constructor(node: NodeId, collector: QueryStatsCollector) {
    this.#node = node;
    this.#collector = collector;
  }

  /** What the next own block is to report, if anything. */
  next(certifiedHeight: Height, state: ReplicatedState): QueryStatsReport | undefined {
    const epoch = queryStatsEpoch(certifiedHeight) - 1;
    const { nextEpoch, reports } = state.queryStats;
    const isKnown = reports.some((report) => report.epoch === epoch && report.node === this.#node);
    const wasSent =
      this.#sent.epoch === epoch && certifiedHeight < this.#sent.height + SEND_AGAIN_AFTER;
    if (epoch < nextEpoch || isKnown || wasSent) {
      return undefined;
    }
    this.#sent = { epoch, height: certifiedHeight };
    return this.#collector.report(epoch);
  }
}
