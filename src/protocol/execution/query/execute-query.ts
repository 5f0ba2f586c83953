import { MANAGEMENT_CANISTER_ID } from '../../crypto/principal.ts';
import type { IngressMessage } from '../../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { TimeNs } from '../../types/ids.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import type { MessageOutcome } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { answerQueryCall } from './call-graph.ts';
import { answerManagementQuery } from './management-query.ts';
import { QueryTree } from './query-tree.ts';

export type Query = Pick<IngressMessage, 'sender' | 'canisterId' | 'methodName' | 'arg'>;

/** Below every version that a state names. */
const FIRST_SCRATCH_VERSION = Number.MIN_SAFE_INTEGER;

/**
 * Executes a query on a certified state. It leaves no trace there.
 * @param dataCertificate vouches for the certified data of the query's canister
 * @param nowNs the node's clock: a call tree that takes too long is ended
 * @upstream rs/execution_environment/src/query_handler.rs
 */
export function* executeQuery(
  state: ReplicatedState,
  query: Query,
  env: ExecutionEnvironment,
  dataCertificate: Uint8Array | null,
  nowNs: () => TimeNs = () => 0n,
): SandboxTask<MessageOutcome> {
  const { sender: caller, canisterId: receiver, methodName, arg } = query;
  if (receiver === MANAGEMENT_CANISTER_ID) {
    const answer = answerManagementQuery(state, query, env);
    return answer.ok
      ? { kind: 'replied', reply: answer.value }
      : { kind: 'rejected', error: answer.error };
  }
  let scratch = FIRST_SCRATCH_VERSION;
  const host = {
    env,
    nowNs,
    nextScratchVersion: () => {
      scratch += 1;
      return scratch;
    },
  };
  const tree = new QueryTree(state, host, receiver, dataCertificate);
  const outcome = yield* answerQueryCall(tree, { caller, receiver, methodName, arg, depth: 0 });
  return outcome.kind === 'aborted' ? { kind: 'rejected', error: outcome.error } : outcome;
}
