import { err, ok, type Result } from '../../base/result.ts';
import { MANAGEMENT_CANISTER_ID, principalToText } from '../crypto/principal.ts';
import { WASM_PAGE_BYTES, type RunReply } from '../interfaces/wasm-host.ts';
import type {
  CanisterState,
  ExecutionState,
  IngressMessage,
} from '../replicated-state/canister-state.ts';
import type { CanisterId } from '../types/ids.ts';
import { checkAffordable, executionFee } from './cycles-account-manager.ts';
import { accountRun, commitRun } from './effects.ts';
import type { MessageOutcome, RoundState } from './round-state.ts';
import {
  runOnSandbox,
  systemApiInput,
  type EntryPoint,
  type SandboxTask,
} from './run-on-sandbox.ts';
import {
  ErrorCode,
  executionError,
  truncateMessage,
  wasmModuleNotFound,
  type UserError,
} from './user-error.ts';

/**
 * Execution of one message or system task on one canister.
 * Security: a run that fails changes nothing but the balance and the log.
 * @upstream rs/execution_environment/src/execution/{call_or_task,nonreplicated_query}.rs
 */

const COMPOSITE_IN_REPLICATED_MODE: UserError = {
  code: ErrorCode.compositeQueryCalledInReplicatedMode,
  message: 'Composite query cannot be called in replicated mode',
};

/** Executes a user's call and records how it ended. */
export function* executeIngress(round: RoundState, message: IngressMessage): SandboxTask<void> {
  const ready = prepareCall(round, message);
  if (!ready.ok) {
    round.finish(message, { kind: 'rejected', error: ready.error }, 0n);
    return;
  }
  const { canister, execution, kind } = ready.value;
  const { canisterId } = canister;
  const entry: EntryPoint = {
    context: kind === 'update' ? 'update' : 'replicatedQuery',
    caller: message.sender,
    methodName: message.methodName,
    arg: message.arg,
  };
  const entryName = `canister_${kind} ${message.methodName}`;
  const run = yield* runEntry(round, canister, execution, entryName, entry);
  accountRun(round, canisterId, execution.memory64, run);
  const overLimit = memoryLimitError(canister, run);
  if (overLimit !== undefined) {
    // The sandbox holds the refused memories under that version: it must not be used again.
    round.update(canisterId, { nextMemoryVersion: canister.nextMemoryVersion + 1 });
    round.finish(message, { kind: 'rejected', error: overLimit }, run.instructionsUsed);
    return;
  }
  if (run.outcome.ok && run.delta !== null) {
    commitRun(round, canisterId, execution, run);
  }
  round.finish(message, outcomeOf(canisterId, run), run.instructionsUsed);
}

interface ReadyCall {
  readonly canister: CanisterState;
  readonly execution: ExecutionState;
  readonly kind: 'update' | 'query';
}

/** All that can be said against a call before it runs. */
function prepareCall(round: RoundState, message: IngressMessage): Result<ReadyCall, UserError> {
  const { canisterId, methodName } = message;
  const canister = round.canisters.get(canisterId);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId));
  }
  const refusal = refusalOf(canister);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const execution = canister.execution;
  if (execution === null) {
    return err(wasmModuleNotFound(canisterId));
  }
  if (execution.exports.includes(`canister_composite_query ${methodName}`)) {
    return err(COMPOSITE_IN_REPLICATED_MODE);
  }
  const kind = methodOf(execution, methodName);
  if (kind === undefined) {
    return err(methodNotFound(canisterId, 'update', methodName));
  }
  const broke = prepaymentError(round, canister, execution);
  return broke === undefined ? ok({ canister, execution, kind }) : err(broke);
}

/** Runs the heartbeat or the due global timer; there is no caller to answer. */
export function* executeTask(
  round: RoundState,
  canisterId: CanisterId,
  task: 'heartbeat' | 'globalTimer',
): SandboxTask<void> {
  if (task === 'globalTimer') {
    round.update(canisterId, { globalTimerNs: 0n });
  }
  const canister = round.canister(canisterId);
  const execution = canister.execution;
  if (execution === null || prepaymentError(round, canister, execution) !== undefined) {
    return;
  }
  const name = task === 'heartbeat' ? 'canister_heartbeat' : 'canister_global_timer';
  const entry: EntryPoint = { context: task, caller: MANAGEMENT_CANISTER_ID };
  const run = yield* runEntry(round, canister, execution, name, entry);
  accountRun(round, canisterId, execution.memory64, run);
  round.messagesExecuted += 1;
  if (run.outcome.ok) {
    commitRun(round, canisterId, execution, run);
  }
}

function* runEntry(
  round: RoundState,
  canister: CanisterState,
  execution: ExecutionState,
  entryName: string,
  entry: EntryPoint,
): SandboxTask<RunReply> {
  const commits = entry.context !== 'replicatedQuery';
  return yield* runOnSandbox(
    {
      kind: 'run',
      canisterId: canister.canisterId,
      moduleHash: execution.moduleHash,
      base: { from: 'version', version: execution.memoryVersion },
      steps: [
        {
          entry: entryName,
          input: systemApiInput(round.env, canister, round.timeNs, entry),
          optional: false,
        },
      ],
      instructionLimit: round.env.limits.messageInstructions,
      commitAs: commits ? canister.nextMemoryVersion : null,
      oldestVersionInUse: round.oldestVersionInUse(canister.canisterId, execution.memoryVersion),
    },
    execution,
    execution.wasm,
  );
}

/** Which kind of export answers a method called in replicated mode. */
function methodOf(execution: ExecutionState, methodName: string): 'update' | 'query' | undefined {
  if (execution.exports.includes(`canister_update ${methodName}`)) {
    return 'update';
  }
  return execution.exports.includes(`canister_query ${methodName}`) ? 'query' : undefined;
}

/** How a run ended for the caller; a run without an answer is an error of the canister. */
export function outcomeOf(canisterId: CanisterId, run: RunReply): MessageOutcome {
  if (!run.outcome.ok) {
    return { kind: 'rejected', error: executionError(canisterId, run.outcome.error) };
  }
  const response = run.effects.response;
  switch (response.kind) {
    case 'reply':
      return { kind: 'replied', reply: response.data };
    case 'reject':
      return {
        kind: 'rejected',
        error: {
          code: ErrorCode.canisterRejectedMessage,
          message: truncateMessage(response.message),
        },
      };
    case 'none': {
      const message = `Canister ${principalToText(canisterId)} did not reply to the call`;
      return { kind: 'rejected', error: { code: ErrorCode.canisterDidNotReply, message } };
    }
  }
}

/** Why a canister takes no messages, if it does not. */
export function refusalOf(canister: CanisterState): UserError | undefined {
  const name = principalToText(canister.canisterId);
  switch (canister.status) {
    case 'running':
      return undefined;
    case 'stopping':
      return { code: ErrorCode.canisterStopping, message: `Canister ${name} is stopping` };
    case 'stopped':
      return { code: ErrorCode.canisterStopped, message: `Canister ${name} is stopped` };
  }
}

export function canisterNotFound(canisterId: CanisterId): UserError {
  return {
    code: ErrorCode.canisterNotFound,
    message: `Canister ${principalToText(canisterId)} not found`,
  };
}

export function methodNotFound(
  canisterId: CanisterId,
  kind: 'update' | 'query',
  methodName: string,
): UserError {
  return executionError(canisterId, {
    code: ErrorCode.canisterMethodNotFound,
    message: `Canister has no ${kind} method '${methodName}'.`,
  });
}

/** An update call must not leave the heap above the canister's own limit (0 = no limit). */
function memoryLimitError(canister: CanisterState, run: RunReply): UserError | undefined {
  const limit = canister.settings.wasmMemoryLimitBytes;
  const used = BigInt(run.delta?.heapWasmPages ?? 0) * BigInt(WASM_PAGE_BYTES);
  if (!run.outcome.ok || limit === 0n || used <= limit) {
    return undefined;
  }
  return executionError(canister.canisterId, {
    code: ErrorCode.canisterWasmMemoryLimitExceeded,
    message: `Canister exceeded its current Wasm memory limit of ${limit} bytes. The peak Wasm memory usage was ${used} bytes. If the canister reaches 4GiB, then it may stop functioning and may become unrecoverable. Please reach out to the canister owner to investigate the reason for the increased memory usage. It might be necessary to move data from the Wasm memory to the stable memory. If such high Wasm memory usage is expected and safe, then the developer can increase the Wasm memory limit in the canister settings.`,
  });
}

function prepaymentError(
  round: RoundState,
  canister: CanisterState,
  execution: ExecutionState,
): UserError | undefined {
  const cost = executionFee(round.env, round.env.limits.messageInstructions, execution.memory64);
  return checkAffordable(round.env, canister, cost, false);
}
