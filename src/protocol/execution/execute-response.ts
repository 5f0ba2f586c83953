import { assert, present } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { principalToText } from '../crypto/principal.ts';
import type { CanisterError, RunReply } from '../interfaces/wasm-host.ts';
import { CLEANUP_RESERVE_PERCENT } from '../limits/execution.ts';
import type { Callback, CanisterResponse } from '../replicated-state/canister-messages.ts';
import type { ExecutionState } from '../replicated-state/canister-state.ts';
import type { CanisterId, Instructions } from '../types/ids.ts';
import {
  changeContext,
  closeCallback,
  contextOf,
  registerCalls,
  settleCall,
  type MessageEnd,
} from './call-contexts.ts';
import { responseFee } from './call-fees.ts';
import { callPrices, executionFee } from './cycles-account-manager.ts';
import { commitRun, recordRun } from './effects.ts';
import { callerOf, endOf, outgoingRules, runEntry } from './execute-message.ts';
import { prepaymentFor, settleExecution, type PrepaidExecution } from './execution-charges.ts';
import type { RoundState } from './round-state.ts';
import { callAnswered } from './round-trace.ts';
import type { EntryPoint, SandboxTask } from './run-on-sandbox.ts';
import { ErrorCode, truncateMessage, type UserError } from './user-error.ts';

/**
 * Execution of the callbacks of a call between canisters. All of it was paid with the call.
 * Security: a callback that traps changes nothing; its cleanup runs with instructions kept for it,
 * and a cleanup that traps changes nothing either.
 * @upstream rs/execution_environment/src/execution/response.rs
 */

/** Runs the callback that a response closes, and its cleanup when it traps. */
export function* executeResponse(
  round: RoundState,
  canisterId: CanisterId,
  response: CanisterResponse,
): SandboxTask<void> {
  const { callbacks } = round.canister(canisterId).calls;
  const callback = callbacks.find(({ id }) => id === response.callbackId);
  if (callback === undefined) {
    round.credit(canisterId, response.refund);
    return;
  }
  closeCallback(round, canisterId, callback);
  if (response.respondent !== canisterId) {
    round.trace.push(callAnswered(round, response));
  }
  takeRefunds(round, canisterId, callback, response);
  const context = contextOf(round.canister(canisterId), callback.contextId);
  const execution = round.canister(canisterId).execution;
  if (context.deleted || execution === null) {
    settleUnexecuted(round, canisterId, callback);
    settleCall(round, canisterId, context.id, { kind: 'silent' }, 0n);
    return;
  }
  const prepaid = adjustPrepayment(round, canisterId, callback, execution.memory64);
  if (!prepaid.ok) {
    settleUnexecuted(round, canisterId, callback);
    settleCall(round, canisterId, context.id, { kind: 'failed', error: prepaid.error }, 0n);
    return;
  }
  const { instructionLimit } = prepaid.value;
  const reserve = (instructionLimit * CLEANUP_RESERVE_PERCENT) / 100n;
  const run = yield* runCallback(
    round,
    execution,
    canisterId,
    { callback, response },
    instructionLimit - reserve,
  );
  recordRun(round, canisterId, run);
  let used = run.instructionsUsed;
  let end = endOf(canisterId, run);
  if (run.outcome.ok) {
    commitRun(round, canisterId, execution, run);
    const availableCycles = context.availableCycles - run.effects.cyclesAccepted;
    changeContext(round, canisterId, context.id, { availableCycles });
    registerCalls(round, canisterId, context.id, run.effects.calls);
  } else if (callback.onCleanup !== null) {
    const left = instructionLimit - used;
    const cleanup = yield* runCleanup(round, execution, canisterId, { callback, response }, left);
    used += cleanup.instructionsUsed;
    end = cleanup.outcome.ok
      ? end
      : bothFailed(canisterId, run.outcome.error, cleanup.outcome.error);
  }
  settleExecution(round, canisterId, prepaid.value, used);
  round.messagesExecuted += 1;
  settleCall(round, canisterId, context.id, end, used);
}

/** The code is the callback's. @upstream rs/interfaces/src/execution_environment/errors.rs#Cleanup */
export function bothFailed(
  canisterId: CanisterId,
  callback: CanisterError,
  cleanup: CanisterError,
): MessageEnd {
  const text = `${callback.message}\n\ncall_on_cleanup also failed:\n\n${cleanup.message}`;
  const message = truncateMessage(`Error from Canister ${principalToText(canisterId)}: ${text}`);
  return { kind: 'failed', error: { code: callback.code, message } };
}

interface Answered {
  readonly callback: Callback;
  readonly response: CanisterResponse;
}

/** A callback that does not run costs the fixed part of a message's price. */
function settleUnexecuted(round: RoundState, canisterId: CanisterId, callback: Callback): void {
  const { executionPrepayment } = callback;
  const fixed = executionFee(round.env, 0n, false);
  const fee = fixed < executionPrepayment ? fixed : executionPrepayment;
  round.credit(canisterId, executionPrepayment - fee);
  round.consume(canisterId, fee, 'instructions');
}

/**
 * The module may be of another kind than the one that made the call: the callback pays the price of
 * the present one. No freezing threshold: the canister is bound to hear the answer.
 */
function adjustPrepayment(
  round: RoundState,
  canisterId: CanisterId,
  callback: Callback,
  memory64: boolean,
): Result<PrepaidExecution, UserError> {
  const required = prepaymentFor(round, round.env.limits.messageInstructions, memory64);
  const canister = round.canister(canisterId);
  const cycles = canister.cycles + callback.executionPrepayment - required.cycles;
  if (cycles < 0n) {
    const message = `Canister ${principalToText(canisterId)} is out of cycles`;
    return err({ code: ErrorCode.canisterOutOfCycles, message });
  }
  round.put({ ...canister, cycles });
  return ok(required);
}

function takeRefunds(
  round: RoundState,
  canisterId: CanisterId,
  callback: Callback,
  { refund, payload }: CanisterResponse,
): void {
  assert(refund <= callback.cyclesSent, 'no more cycles come back than were sent');
  const bytes = payload.kind === 'reply' ? payload.data.length : encodeUtf8(payload.message).length;
  round.credit(canisterId, refund + callback.transmissionPrepayment);
  const fee = responseFee(callPrices(round.env, false), bytes);
  const { transmissionPrepayment } = callback;
  const due = fee < transmissionPrepayment ? fee : transmissionPrepayment;
  round.charge(canisterId, due, 'requestAndResponseTransmission');
}

function entryOf(
  round: RoundState,
  canisterId: CanisterId,
  { callback, response }: Answered,
  context: EntryPoint['context'],
): EntryPoint {
  const canister = round.canister(canisterId);
  const { availableCycles, responded, instructionsExecuted, origin } = contextOf(
    canister,
    callback.contextId,
  );
  const { payload } = response;
  const isCleanup = context === 'cleanup';
  return {
    context,
    caller: callerOf(origin),
    arg: payload.kind === 'reply' && !isCleanup ? payload.data : new Uint8Array(0),
    cyclesAvailable: availableCycles,
    callerInfo: origin.kind === 'ingress' ? origin.message.callerInfo : undefined,
    call: {
      deadlineNs: origin.kind === 'canister' ? origin.request.deadlineNs : 0n,
      responded,
      instructionsBefore: instructionsExecuted,
      cyclesRefunded: response.refund,
      rejectCode: payload.kind === 'reject' ? payload.code : 0,
      rejectMessage: payload.kind === 'reject' ? payload.message : '',
      outgoing: isCleanup ? null : outgoingRules(round, canister),
    },
  };
}

function* runCallback(
  round: RoundState,
  execution: ExecutionState,
  canisterId: CanisterId,
  answered: Answered,
  instructionLimit: Instructions,
): SandboxTask<RunReply> {
  const isReply = answered.response.payload.kind === 'reply';
  const { onReply, onReject } = answered.callback;
  const context = isReply ? 'replyCallback' : 'rejectCallback';
  return yield* runEntry(round, execution, {
    canisterId,
    name: context,
    closure: isReply ? onReply : onReject,
    entry: entryOf(round, canisterId, answered, context),
    instructionLimit,
  });
}

function* runCleanup(
  round: RoundState,
  execution: ExecutionState,
  canisterId: CanisterId,
  answered: Answered,
  instructionLimit: Instructions,
): SandboxTask<RunReply> {
  const closure = present(
    answered.callback.onCleanup,
    'only a callback with a cleanup is cleaned up',
  );
  const run = yield* runEntry(round, execution, {
    canisterId,
    name: 'cleanup',
    closure,
    entry: entryOf(round, canisterId, answered, 'cleanup'),
    instructionLimit,
  });
  recordRun(round, canisterId, run);
  if (run.outcome.ok) {
    commitRun(round, canisterId, execution, run);
  }
  return run;
}
