import { assert } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { RunReply } from '../interfaces/wasm-host.ts';
import { CLEANUP_RESERVE_PERCENT } from '../limits/execution.ts';
import type { Callback, CanisterResponse } from '../replicated-state/canister-messages.ts';
import type { ExecutionState } from '../replicated-state/canister-state.ts';
import type { CanisterId, Cycles, Instructions } from '../types/ids.ts';
import {
  changeContext,
  closeCallback,
  contextOf,
  registerCalls,
  settleCall,
} from './call-contexts.ts';
import { responseFee } from './call-fees.ts';
import { callPrices, executionFee } from './cycles-account-manager.ts';
import { commitRun, recordRun } from './effects.ts';
import { callerOf, endOf, outgoingRules, runEntry } from './execute-message.ts';
import type { RoundState } from './round-state.ts';
import type { EntryPoint, SandboxTask } from './run-on-sandbox.ts';

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
    credit(round, canisterId, response.refund);
    return;
  }
  closeCallback(round, canisterId, callback);
  takeRefunds(round, canisterId, callback, response);
  const context = contextOf(round.canister(canisterId), callback.contextId);
  const execution = round.canister(canisterId).execution;
  if (context.deleted || execution === null) {
    credit(round, canisterId, callback.executionPrepayment);
    settleCall(round, canisterId, context.id, { kind: 'silent' }, 0n);
    return;
  }
  const { limits } = round.env;
  const reserve = (limits.messageInstructions * CLEANUP_RESERVE_PERCENT) / 100n;
  const run = yield* runCallback(
    round,
    execution,
    canisterId,
    { callback, response },
    limits.messageInstructions - reserve,
  );
  recordRun(round, canisterId, run);
  let used = run.instructionsUsed;
  if (run.outcome.ok) {
    commitRun(round, canisterId, execution, run);
    const availableCycles = context.availableCycles - run.effects.cyclesAccepted;
    changeContext(round, canisterId, context.id, { availableCycles });
    registerCalls(round, canisterId, context.id, run.effects.calls);
  } else if (callback.onCleanup !== null) {
    const left = limits.messageInstructions - used;
    used += yield* runCleanup(round, execution, canisterId, { callback, response }, left);
  }
  credit(round, canisterId, callback.executionPrepayment);
  round.charge(canisterId, executionFee(round.env, used, execution.memory64));
  round.messagesExecuted += 1;
  settleCall(round, canisterId, context.id, endOf(canisterId, run), used);
}

interface Answered {
  readonly callback: Callback;
  readonly response: CanisterResponse;
}

function credit(round: RoundState, canisterId: CanisterId, cycles: Cycles): void {
  round.update(canisterId, { cycles: round.canister(canisterId).cycles + cycles });
}

function takeRefunds(
  round: RoundState,
  canisterId: CanisterId,
  callback: Callback,
  { refund, payload }: CanisterResponse,
): void {
  assert(refund <= callback.cyclesSent, 'no more cycles come back than were sent');
  const bytes = payload.kind === 'reply' ? payload.data.length : encodeUtf8(payload.message).length;
  credit(round, canisterId, refund + callback.transmissionPrepayment);
  const fee = responseFee(callPrices(round.env, false), bytes);
  const { transmissionPrepayment } = callback;
  round.charge(canisterId, fee < transmissionPrepayment ? fee : transmissionPrepayment);
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

/** @returns instructions used */
function* runCleanup(
  round: RoundState,
  execution: ExecutionState,
  canisterId: CanisterId,
  answered: Answered,
  instructionLimit: Instructions,
): SandboxTask<Instructions> {
  const { onCleanup } = answered.callback;
  if (onCleanup === null) {
    return 0n;
  }
  const run = yield* runEntry(round, execution, {
    canisterId,
    name: 'cleanup',
    closure: onCleanup,
    entry: entryOf(round, canisterId, answered, 'cleanup'),
    instructionLimit,
  });
  recordRun(round, canisterId, run);
  if (run.outcome.ok) {
    commitRun(round, canisterId, execution, run);
  }
  return run.instructionsUsed;
}
