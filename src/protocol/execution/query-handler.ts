import { err, ok, type Result } from '../../base/result.ts';
import { MANAGEMENT_CANISTER_ID, principalToText } from '../crypto/principal.ts';
import type { RunReply } from '../interfaces/wasm-host.ts';
import type {
  CanisterState,
  ExecutionState,
  IngressMessage,
} from '../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { Instructions, PrincipalId } from '../types/ids.ts';
import { checkAffordable, ingressInductionFee } from './cycles-account-manager.ts';
import { canisterNotFound, methodNotFound, outcomeOf, refusalOf } from './execute-message.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { decodeCanisterId } from './management/arguments.ts';
import { checkManagementIngress, MANAGEMENT_QUERIES, notController } from './management/methods.ts';
import { canisterLogsReply, canisterStatusReply } from './management/replies.ts';
import type { MessageOutcome } from './round-state.ts';
import {
  runOnSandbox,
  systemApiInput,
  type EntryPoint,
  type SandboxTask,
} from './run-on-sandbox.ts';
import {
  ErrorCode,
  executionError,
  userError,
  wasmModuleNotFound,
  type UserError,
} from './user-error.ts';

/**
 * Runs that one node does for itself and that leave no trace in the state: queries on the newest
 * certified state, and the canister's own check of ingress messages.
 * @upstream rs/execution_environment/src/query_handler.rs
 */

export type Query = Pick<IngressMessage, 'sender' | 'canisterId' | 'methodName' | 'arg'>;

/**
 * Executes a query.
 * @param state the certified state whose certified data `dataCertificate` vouches for
 */
export function* executeQuery(
  state: ReplicatedState,
  query: Query,
  env: ExecutionEnvironment,
  dataCertificate: Uint8Array | null,
): SandboxTask<MessageOutcome> {
  if (query.canisterId === MANAGEMENT_CANISTER_ID) {
    return managementQuery(state, query, env);
  }
  const target = runnable(state, query);
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
  const entry: EntryPoint = {
    context: 'nonReplicatedQuery',
    caller: query.sender,
    methodName: query.methodName,
    arg: query.arg,
    ...(dataCertificate === null ? {} : { dataCertificate }),
  };
  const run = yield* runReadOnly(
    state,
    target.value,
    env,
    `canister_${kind} ${query.methodName}`,
    entry,
    env.limits.queryInstructions,
  );
  return outcomeOf(canister.canisterId, run);
}

/**
 * Whether a canister takes an ingress message: the management canister's filter, or the canister's
 * `canister_inspect_message`. Runs on the latest state.
 */
export function* inspectIngress(
  state: ReplicatedState,
  call: Query,
  payloadBytes: number,
  env: ExecutionEnvironment,
): SandboxTask<Result<null, UserError>> {
  if (call.canisterId === MANAGEMENT_CANISTER_ID) {
    const method = checkManagementIngress(state.canisters, call.sender, call.methodName, call.arg);
    return method.ok ? ok(null) : method;
  }
  const target = runnable(state, call);
  if (!target.ok) {
    return target;
  }
  const { canister, execution } = target.value;
  const fee = ingressInductionFee(env, payloadBytes);
  const broke = checkAffordable(env, canister, fee, canister.controllers.includes(call.sender));
  if (broke !== undefined) {
    return err(broke);
  }
  if (!execution.exports.includes('canister_inspect_message')) {
    return ok(null);
  }
  const entry: EntryPoint = {
    context: 'inspectMessage',
    caller: call.sender,
    methodName: call.methodName,
    arg: call.arg,
  };
  const run = yield* runReadOnly(
    state,
    target.value,
    env,
    'canister_inspect_message',
    entry,
    env.limits.inspectInstructions,
  );
  if (!run.outcome.ok) {
    return err(executionError(canister.canisterId, run.outcome.error));
  }
  const rejected = {
    code: ErrorCode.canisterRejectedMessage,
    message: 'Canister rejected the message',
  };
  return run.effects.acceptedMessage
    ? ok(null)
    : err(executionError(canister.canisterId, rejected));
}

interface Target {
  readonly canister: CanisterState;
  readonly execution: ExecutionState;
}

function runnable(state: ReplicatedState, call: Query): Result<Target, UserError> {
  const canister = state.canisters.get(call.canisterId);
  if (canister === undefined) {
    return err(canisterNotFound(call.canisterId));
  }
  if (canister.status === 'stopped') {
    return userError(
      ErrorCode.canisterStopped,
      `Canister ${principalToText(call.canisterId)} is stopped and therefore does not have a CallContextManager`,
    );
  }
  const refusal = refusalOf(canister);
  if (refusal !== undefined) {
    return err(refusal);
  }
  return canister.execution === null
    ? err(wasmModuleNotFound(call.canisterId))
    : ok({ canister, execution: canister.execution });
}

function* runReadOnly(
  state: ReplicatedState,
  target: Target,
  env: ExecutionEnvironment,
  entryName: string,
  entry: EntryPoint,
  instructionLimit: Instructions,
): SandboxTask<RunReply> {
  const { canister, execution } = target;
  return yield* runOnSandbox(
    {
      kind: 'run',
      canisterId: canister.canisterId,
      moduleHash: execution.moduleHash,
      base: { from: 'version', version: execution.memoryVersion },
      steps: [
        {
          entry: entryName,
          input: systemApiInput(env, canister, state.timeNs, entry),
          optional: false,
        },
      ],
      instructionLimit,
      commitAs: null,
      // Other runs may still read older memories: only rounds say what may be forgotten.
      oldestVersionInUse: 0,
    },
    execution,
    execution.wasm,
  );
}

function managementQuery(
  state: ReplicatedState,
  query: Query,
  env: ExecutionEnvironment,
): MessageOutcome {
  const answer = answerManagementQuery(state, query, env);
  return answer.ok
    ? { kind: 'replied', reply: answer.value }
    : { kind: 'rejected', error: answer.error };
}

function answerManagementQuery(
  state: ReplicatedState,
  query: Query,
  env: ExecutionEnvironment,
): Result<Uint8Array, UserError> {
  if (!MANAGEMENT_QUERIES.has(query.methodName)) {
    return userError(
      ErrorCode.canisterMethodNotFound,
      `Query method ${query.methodName} not found.`,
    );
  }
  const canisterId = decodeCanisterId(query.arg);
  if (!canisterId.ok) {
    return userError(
      ErrorCode.invalidManagementPayload,
      `Error decoding candid: ${canisterId.error.message}`,
    );
  }
  const canister = state.canisters.get(canisterId.value);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId.value));
  }
  if (query.methodName === 'canister_status') {
    return canister.controllers.includes(query.sender)
      ? ok(canisterStatusReply(env, canister))
      : err(notController(canister.canisterId, query.methodName));
  }
  return maySeeLogs(canister, query.sender)
    ? ok(canisterLogsReply(canister))
    : userError(
        ErrorCode.canisterRejectedMessage,
        `Caller ${principalToText(query.sender)} is not allowed to access canister logs`,
      );
}

function maySeeLogs(canister: CanisterState, sender: PrincipalId): boolean {
  const { logVisibility } = canister.settings;
  switch (logVisibility.kind) {
    case 'public':
      return true;
    case 'controllers':
      return canister.controllers.includes(sender);
    case 'allowedViewers':
      return canister.controllers.includes(sender) || logVisibility.viewers.includes(sender);
  }
}
