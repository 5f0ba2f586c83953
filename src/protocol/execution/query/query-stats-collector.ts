import { compareText } from '../../../base/bytes.ts';
import { MAX_QUERY_STATS_CANISTERS, QUERY_STATS_EPOCH_BLOCKS } from '../../limits/query.ts';
import type { CanisterId, Height } from '../../types/ids.ts';
import {
  addCounts,
  NO_QUERIES,
  type QueryCounts,
  type QueryStatsReport,
} from '../../types/query-stats.ts';

/** The epoch of query statistics that a height belongs to, from 0. */
export function queryStatsEpoch(height: Height): number {
  return Math.floor(height / QUERY_STATS_EPOCH_BLOCKS);
}

/**
 * Counts the queries that this node answers, by epoch. In memory only: what a node counted before
 * a restart is lost, as on the IC. @upstream rs/query_stats/src/lib.rs
 */
export class QueryStatsCollector {
  #epoch = 0;
  #current = new Map<CanisterId, QueryCounts>();
  #previous: ReadonlyMap<CanisterId, QueryCounts> = new Map();

  /** @param height of the state that the query read */
  record(height: Height, canisterId: CanisterId, counts: QueryCounts): void {
    this.#advance(queryStatsEpoch(height));
    // More canisters than a report holds are not counted.
    if (this.#current.has(canisterId) || this.#current.size < MAX_QUERY_STATS_CANISTERS) {
      const before = this.#current.get(canisterId) ?? NO_QUERIES;
      this.#current.set(canisterId, addCounts(before, counts));
    }
  }

  /** The counts of an epoch that is over; none of an older one. */
  report(epoch: number): QueryStatsReport {
    this.#advance(epoch + 1);
    const counts = this.#epoch === epoch + 1 ? [...this.#previous] : [];
    return { epoch, canisters: counts.sort(([a], [b]) => compareText(a, b)) };
  }

  #advance(epoch: number): void {
    if (epoch > this.#epoch) {
      this.#previous = epoch === this.#epoch + 1 ? this.#current : new Map();
      this.#current = new Map();
      this.#epoch = epoch;
    }
  }
}
