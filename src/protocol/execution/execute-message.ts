import { err, ok, type Result } from '../../base/result.ts';
import { MANAGEMENT_CANISTER_ID, principalToText } from '../crypto/principal.ts';
import {
  WASM_PAGE_BYTES,
  type OutgoingCallRules,
  type RunReply,
  type WasmClosure,
} from '../interfaces/wasm-host.ts';
import { GUARANTEED_CALLBACKS_PER_CANISTER, QUEUE_CAPACITY } from '../limits/messaging.ts';
import {
  isRequest,
  type CallOrigin,
  type SubnetMessage,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState, ExecutionState } from '../replicated-state/canister-state.ts';
import type { CanisterId, Instructions, PrincipalId } from '../types/ids.ts';
import type { SystemTask } from '../replicated-state/schedule.ts';
import {
  answerRequest,
  changeContext,
  contextOf,
  openContext,
  registerCalls,
  settleCall,
  type MessageEnd,
} from './call-contexts.ts';
import { callPrices } from './cycles-account-manager.ts';
import { memoryRules } from './memory-rules.ts';
import { commitCycles, commitRun, recordRun } from './effects.ts';
import {
  prepayExecution,
  prepaymentFor,
  settleExecution,
  type PrepaidExecution,
} from './execution-charges.ts';
import type { RoundState } from './round-state.ts';
import {
  runOnSandbox,
  systemApiInput,
  type EntryPoint,
  type SandboxTask,
} from './run-on-sandbox.ts';
import { wasmMemoryLimitExceeded } from './system-api/canister-trap.ts';
import {
  ErrorCode,
  executionError,
  truncateReject,
  wasmModuleNotFound,
  type UserError,
} from './user-error.ts';

/**
 * Execution of one call or system task on one canister; callbacks are in `execute-response.ts`.
 * Security: a run that fails changes nothing but the balance and the log.
 * @upstream rs/execution_environment/src/execution/{call_or_task,nonreplicated_query}.rs
 */

export const COMPOSITE_IN_REPLICATED_MODE: UserError = {
  code: ErrorCode.compositeQueryCalledInReplicatedMode,
  message: 'Composite query cannot be called in replicated mode',
};

/** Executes a user's call or a canister's request; a method that awaits is answered in a later message. */
export function* executeCall(
  round: RoundState,
  canisterId: CanisterId,
  message: SubnetMessage,
): SandboxTask<void> {
  const tooFew = tooFewCycles(round.canister(canisterId), message);
  if (tooFew !== undefined) {
    refuseCall(round, message, tooFew);
    return;
  }
  const { messageInstructions, queryInstructions } = round.env.limits;
  const { execution: code } = round.canister(canisterId);
  const limit = isQuery(code, message.methodName) ? queryInstructions : messageInstructions;
  const price = prepaymentFor(round, limit, code?.memory64 === true);
  const prepaid = prepayExecution(round, canisterId, price, message.sender);
  if (!prepaid.ok) {
    refuseCall(round, message, prepaid.error);
    return;
  }
  const ready = prepareCall(round, canisterId, message.methodName);
  if (!ready.ok) {
    settleExecution(round, canisterId, price, 0n);
    refuseCall(round, message, ready.error);
    return;
  }
  const { execution, kind } = ready.value;
  const cycles = isRequest(message) ? message.cycles : 0n;
  const contextId = openContext(round, canisterId, originOf(message), cycles);
  const canister = round.canister(canisterId);
  const entry: EntryPoint = {
    context: kind === 'update' ? 'update' : 'replicatedQuery',
    caller: message.sender,
    methodName: message.methodName,
    arg: message.arg,
    cyclesAvailable: cycles,
    callerInfo: isRequest(message) ? undefined : message.callerInfo,
    call: {
      // Queries are not told of deadlines.
      deadlineNs: isRequest(message) && kind === 'update' ? message.deadlineNs : 0n,
      outgoing: kind === 'update' ? outgoingRules(round, canister) : null,
    },
  };
  const run = yield* runEntry(round, execution, {
    canisterId,
    name: `canister_${kind} ${message.methodName}`,
    entry,
    instructionLimit: price.instructionLimit,
  });
  finishCall(round, canisterId, contextId, execution, price, run);
}

/** What a canister asks of others for its calls; refusing costs it nothing. */
function tooFewCycles(canister: CanisterState, message: SubnetMessage): UserError | undefined {
  const required = canister.settings.minimumIncomingCallCycles;
  if (!isRequest(message) || message.sender === canister.canisterId || message.cycles >= required) {
    return undefined;
  }
  const asked = `asks for at least ${String(required)} cycles with each call`;
  return {
    code: ErrorCode.insufficientCyclesInCall,
    message: `Canister ${principalToText(canister.canisterId)} ${asked}, ${String(message.cycles)} were attached`,
  };
}

/** Books what a message or a task did, gives back what it did not use, and answers when it can. */
function finishCall(
  round: RoundState,
  canisterId: CanisterId,
  contextId: number,
  execution: ExecutionState,
  prepaid: PrepaidExecution,
  run: RunReply,
): void {
  recordRun(round, canisterId, run);
  round.messagesExecuted += 1;
  commitCall(round, canisterId, contextId, execution, run);
  settleExecution(round, canisterId, prepaid, run.instructionsUsed);
  const end = endOf(canisterId, run);
  const isOfQuery = run.outcome.ok && run.delta === null;
  settleCall(round, canisterId, contextId, isOfQuery ? uncut(end) : end, run.instructionsUsed);
}

/** What a canister that called a query is told: the whole text of a reject. */
function uncut(end: MessageEnd): MessageEnd {
  return end.kind === 'answered' && end.outcome.kind === 'rejected'
    ? { ...end, outcome: { ...end.outcome, told: end.outcome.error.message } }
    : end;
}

/** What a message of a call changed, if it ended well; a replicated query changes cycles and the version only. */
function commitCall(
  round: RoundState,
  canisterId: CanisterId,
  contextId: number,
  execution: ExecutionState,
  run: RunReply,
): void {
  if (!run.outcome.ok) {
    return;
  }
  if (run.delta === null) {
    commitCycles(round, canisterId, run.effects);
    round.update(canisterId, { version: round.canister(canisterId).version + 1n });
  } else {
    commitRun(round, canisterId, execution, run);
  }
  const context = contextOf(round.canister(canisterId), contextId);
  const availableCycles = context.availableCycles - run.effects.cyclesAccepted;
  changeContext(round, canisterId, contextId, { availableCycles });
  registerCalls(round, canisterId, contextId, run.effects.calls);
}

/** Answers a call that is not even begun; a canister gets its cycles back. */
function refuseCall(round: RoundState, message: SubnetMessage, error: UserError): void {
  round.messagesExecuted += 1;
  if (isRequest(message)) {
    answerRequest(round, message, { kind: 'rejected', error }, message.cycles);
  } else {
    round.finish(message, { kind: 'rejected', error }, 0n);
  }
}

function originOf(message: SubnetMessage): CallOrigin {
  if (isRequest(message)) {
    const { sender, receiver, callbackId, methodName, deadlineNs, callTree } = message;
    const request = { sender, receiver, callbackId, methodName, deadlineNs, callTree };
    return { kind: 'canister', request };
  }
  const { messageId, sender, canisterId, effectiveCanisterId, methodName, callerInfo } = message;
  return {
    kind: 'ingress',
    message: { messageId, sender, canisterId, effectiveCanisterId, methodName, callerInfo },
  };
}

/** Who called, as the later messages of the call see it. */
export function callerOf(origin: CallOrigin): PrincipalId {
  switch (origin.kind) {
    case 'ingress':
      return origin.message.sender;
    case 'canister':
      return origin.request.sender;
    case 'systemTask':
      return MANAGEMENT_CANISTER_ID;
  }
}

interface ReadyCall {
  readonly execution: ExecutionState;
  readonly kind: 'update' | 'query';
}

/** All that can be said against a call that was paid for, before it runs. */
function prepareCall(
  round: RoundState,
  canisterId: CanisterId,
  methodName: string,
): Result<ReadyCall, UserError> {
  const canister = round.canister(canisterId);
  if (canister.status !== 'running') {
    const { canisterStopped, canisterStopping } = ErrorCode;
    const code = canister.status === 'stopped' ? canisterStopped : canisterStopping;
    return err({ code, message: `Canister ${principalToText(canisterId)} is not running` });
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
  const overLimit = kind === 'update' ? memoryLimitError(canister, execution) : undefined;
  return overLimit === undefined ? ok({ execution, kind }) : err(overLimit);
}

const TASK_EXPORTS: Readonly<Record<SystemTask, string>> = {
  heartbeat: 'canister_heartbeat',
  globalTimer: 'canister_global_timer',
  onLowWasmMemory: 'canister_on_low_wasm_memory',
};

/** Runs the heartbeat or the due global timer; there is no caller to answer. */
export function* executeTask(
  round: RoundState,
  canisterId: CanisterId,
  task: SystemTask,
): SandboxTask<void> {
  if (task === 'globalTimer') {
    round.update(canisterId, { globalTimerNs: 0n });
  }
  if (task === 'onLowWasmMemory') {
    round.update(canisterId, { lowMemoryHook: 'executed' });
  }
  const canister = round.canister(canisterId);
  const execution = canister.execution;
  if (execution === null) {
    return;
  }
  const price = prepaymentFor(round, round.env.limits.messageInstructions, execution.memory64);
  if (!prepayExecution(round, canisterId, price, null).ok) {
    return;
  }
  const contextId = openContext(round, canisterId, { kind: 'systemTask' }, 0n);
  const run = yield* runEntry(round, execution, {
    canisterId,
    name: TASK_EXPORTS[task],
    entry: {
      context: task,
      caller: MANAGEMENT_CANISTER_ID,
      call: { outgoing: outgoingRules(round, round.canister(canisterId)) },
    },
    instructionLimit: price.instructionLimit,
  });
  finishCall(round, canisterId, contextId, execution, price, run);
}

/** One entry point on the canister's memory. */
export interface EntryRun {
  readonly canisterId: CanisterId;
  /** The export, or what to call the closure in errors. */
  readonly name: string;
  readonly closure?: WasmClosure;
  readonly entry: EntryPoint;
  readonly instructionLimit: Instructions;
}

export function* runEntry(
  round: RoundState,
  execution: ExecutionState,
  { canisterId, name, closure, entry, instructionLimit }: EntryRun,
): SandboxTask<RunReply> {
  const canister = round.canister(canisterId);
  const commits = entry.context !== 'replicatedQuery';
  return yield* runOnSandbox(
    {
      kind: 'run',
      canisterId,
      moduleHash: execution.moduleHash,
      base: { from: 'version', version: execution.memoryVersion },
      steps: [
        {
          entry: name,
          ...(closure === undefined ? {} : { closure }),
          input: systemApiInput(round.env, canister, round.timeNs, {
            ...entry,
            ...(commits ? { memory: memoryRules(round, canister, entry.context) } : {}),
          }),
          optional: false,
        },
      ],
      instructionLimit,
      commitAs: commits ? canister.nextMemoryVersion : null,
      oldestVersionInUse: round.oldestVersionInUse(canisterId, execution.memoryVersion),
    },
    execution,
    execution.wasm,
  );
}

/** What bounds the calls that a message of this canister may make now. */
export function outgoingRules(round: RoundState, canister: CanisterState): OutgoingCallRules {
  const open = new Map<PrincipalId, number>();
  const { callbacks } = canister.calls;
  let last: PrincipalId | undefined;
  let run = 0;
  // Hundreds of callbacks wait for few canisters: each stretch of one is counted together.
  for (const { respondent } of callbacks) {
    if (respondent !== last && last !== undefined) {
      open.set(last, (open.get(last) ?? 0) + run);
      run = 0;
    }
    last = respondent;
    run += 1;
  }
  if (last !== undefined) {
    open.set(last, (open.get(last) ?? 0) + run);
  }
  const room = round.room();
  return {
    prices: callPrices(round.env, canister.execution?.memory64 === true),
    maxOpenCallsPerReceiver: QUEUE_CAPACITY,
    openCalls: [...open],
    freeCallbacks: Math.max(
      room.callbacks,
      GUARANTEED_CALLBACKS_PER_CANISTER - callbacks.length,
      0,
    ),
    freeMessageBytes: Math.max(room.bytes, 0),
    freeGuaranteedBytes: Math.max(room.guaranteedBytes, 0),
  };
}

/** Queries have a limit of their own in replicated mode, too. */
function isQuery(execution: ExecutionState | null, methodName: string): boolean {
  const { exports = [] } = execution ?? {};
  return (
    exports.includes(`canister_query ${methodName}`) ||
    exports.includes(`canister_composite_query ${methodName}`)
  );
}

/** Which kind of export answers a method called in replicated mode. */
function methodOf(execution: ExecutionState, methodName: string): 'update' | 'query' | undefined {
  if (execution.exports.includes(`canister_update ${methodName}`)) {
    return 'update';
  }
  return execution.exports.includes(`canister_query ${methodName}`) ? 'query' : undefined;
}

/** How a message of a call ended. */
export function endOf(canisterId: CanisterId, run: RunReply): MessageEnd {
  if (!run.outcome.ok) {
    return { kind: 'failed', error: executionError(canisterId, run.outcome.error) };
  }
  const { response } = run.effects;
  switch (response.kind) {
    case 'none':
      return { kind: 'silent' };
    case 'reply':
      return { kind: 'answered', outcome: { kind: 'replied', reply: response.data } };
    case 'reject': {
      const { message } = response;
      const error = { code: ErrorCode.canisterRejectedMessage, message };
      const told = truncateReject(message);
      return { kind: 'answered', outcome: { kind: 'rejected', error, told } };
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

/** A heap above the canister's own limit takes no more updates (0 = no limit). */
function memoryLimitError(
  canister: CanisterState,
  execution: ExecutionState,
): UserError | undefined {
  const limit = canister.settings.wasmMemoryLimitBytes;
  const used = BigInt(execution.heapWasmPages) * BigInt(WASM_PAGE_BYTES);
  return limit === 0n || used <= limit
    ? undefined
    : executionError(canister.canisterId, wasmMemoryLimitExceeded(used, limit).toError());
}
