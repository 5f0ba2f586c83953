import { MANAGEMENT_CANISTER_ID, principalToText } from '../../crypto/principal.ts';
import type { IngressMessage } from '../../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import { checkAffordable } from '../cycles-account-manager.ts';
import { methodNotFound, outcomeOf } from '../execute-message.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import type { MessageOutcome } from '../round-state.ts';
import { runOnSandbox, systemApiInput, type SandboxTask } from '../run-on-sandbox.ts';
import { ErrorCode } from '../user-error.ts';
import { answerManagementQuery } from './management-query.ts';
import { activeCanister, readOnlyRun, withModule } from './read-only-run.ts';

export type Query = Pick<IngressMessage, 'sender' | 'canisterId' | 'methodName' | 'arg'>;

/**
 * Executes a query on a certified state. It leaves no trace there.
 * @param dataCertificate vouches for the certified data of the query's canister
 * @upstream rs/execution_environment/src/query_handler.rs
 */
export function* executeQuery(
  state: ReplicatedState,
  query: Query,
  env: ExecutionEnvironment,
  dataCertificate: Uint8Array | null,
): SandboxTask<MessageOutcome> {
  if (query.canisterId === MANAGEMENT_CANISTER_ID) {
    const answer = answerManagementQuery(state, query, env);
    return answer.ok
      ? { kind: 'replied', reply: answer.value }
      : { kind: 'rejected', error: answer.error };
  }
  const active = activeCanister(state, query.canisterId);
  const target = active.ok ? withModule(active.value) : active;
  if (!target.ok) {
    return { kind: 'rejected', error: target.error };
  }
  const { canister, execution } = target.value;
  const kinds = ['query', 'composite_query'] as const;
  const kind = kinds.find((name) =>
    execution.exports.includes(`canister_${name} ${query.methodName}`),
  );
  if (kind === undefined) {
    return {
      kind: 'rejected',
      error: methodNotFound(canister.canisterId, 'query', query.methodName),
    };
  }
  const frozen = checkAffordable(env, canister, 0n, false);
  if (frozen !== undefined) {
    const message = `Canister ${principalToText(canister.canisterId)} is unable to process query calls because it's frozen. Please top up the canister with cycles and try again.`;
    return { kind: 'rejected', error: { code: ErrorCode.canisterOutOfCycles, message } };
  }
  const input = systemApiInput(env, canister, state.timeNs, {
    context: 'nonReplicatedQuery',
    caller: query.sender,
    methodName: query.methodName,
    arg: query.arg,
    ...(dataCertificate === null ? {} : { dataCertificate }),
  });
  const run = yield* runOnSandbox(
    readOnlyRun(
      target.value,
      `canister_${kind} ${query.methodName}`,
      input,
      env.limits.queryInstructions,
    ),
    execution,
    execution.wasm,
  );
  return outcomeOf(canister.canisterId, run);
}
