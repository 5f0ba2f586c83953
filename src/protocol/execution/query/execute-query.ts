import { MANAGEMENT_CANISTER_ID } from '../../crypto/principal.ts';
import type { IngressMessage } from '../../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, TimeNs } from '../../types/ids.ts';
import type { QueryCounts } from '../../types/query-stats.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import type { MessageOutcome } from '../message-outcome.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { answerQueryCall } from './call-graph.ts';
import { answerManagementQuery } from './management-query.ts';
import { QueryCache } from './query-cache.ts';
import type { QueryStatsCollector } from './query-stats-collector.ts';
import { QueryTree } from './query-tree.ts';

export type Query = Pick<
  IngressMessage,
  'sender' | 'canisterId' | 'methodName' | 'arg' | 'callerInfo'
> & {
  /** Which form of certificate it may show: outcomes are remembered for each. */
  readonly ranges?: 'flat' | 'sharded' | undefined;
};

export interface QueryHandlerOptions {
  /** The node's clock: a call tree that takes too long is ended. */
  readonly nowNs?: () => TimeNs;
  /** Bytes of outcomes to remember. */
  readonly cacheBytes?: number;
  /** Counts what is answered. */
  readonly stats?: QueryStatsCollector;
}

/**
 * Executes the queries of one node, on states that are certified. They leave no trace there.
 * @upstream rs/execution_environment/src/query_handler.rs
 */
export class QueryHandler {
  readonly #env: ExecutionEnvironment;
  readonly #nowNs: () => TimeNs;
  readonly #cache: QueryCache;
  readonly #stats: QueryStatsCollector | undefined;
  /** Below every version that a state names. */
  #scratch = Number.MIN_SAFE_INTEGER;

  constructor(env: ExecutionEnvironment, { nowNs, cacheBytes, stats }: QueryHandlerOptions = {}) {
    this.#env = env;
    this.#nowNs = nowNs ?? (() => 0n);
    this.#cache = new QueryCache(cacheBytes);
    this.#stats = stats;
  }

  /** @param dataCertificate vouches for the certified data of the query's canister */
  *execute(
    state: ReplicatedState,
    query: Query,
    dataCertificate: Uint8Array | null,
  ): SandboxTask<MessageOutcome> {
    const { sender: caller, canisterId: receiver, methodName, arg, callerInfo } = query;
    if (receiver === MANAGEMENT_CANISTER_ID) {
      const answer = answerManagementQuery(state, query, this.#env);
      return answer.ok
        ? { kind: 'replied', reply: answer.value }
        : { kind: 'rejected', error: answer.error };
    }
    const known = this.#cache.get(state, query);
    if (known !== undefined) {
      this.#count(state, known.counts);
      return known.outcome;
    }
    const host = {
      env: this.#env,
      nowNs: this.#nowNs,
      nextScratchVersion: () => {
        this.#scratch += 1;
        return this.#scratch;
      },
    };
    const tree = new QueryTree(state, host, receiver, dataCertificate);
    const call = { caller, receiver, methodName, arg, callerInfo, depth: 0 };
    const answered = yield* answerQueryCall(tree, call);
    this.#count(state, tree.evaluated);
    if (answered.kind === 'aborted') {
      // Of no use to remember: the next time there may be more time.
      return { kind: 'rejected', error: answered.error };
    }
    this.#cache.put(query, tree, answered);
    return answered;
  }

  #count(state: ReplicatedState, counts: Iterable<readonly [CanisterId, QueryCounts]>): void {
    for (const [canisterId, count] of counts) {
      if (count.calls > 0n) {
        this.#stats?.record(state.height, canisterId, count);
      }
    }
  }
}
