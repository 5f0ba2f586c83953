import { present } from '../../base/assert.ts';
import { principalToText } from '../crypto/principal.ts';
import type { OutgoingCall } from '../interfaces/wasm-host.ts';
import { NS_PER_SECOND, MAX_CALL_TIMEOUT_SECONDS } from '../limits/messaging.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type {
  Callback,
  CallContext,
  CallContextManager,
  CallOrigin,
  CallTree,
  CanisterRequest,
  ResponsePayload,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import type { CanisterId, Cycles, Instructions, TimeNs } from '../types/ids.ts';
import { requestFee, responsePrepayment } from './call-fees.ts';
import { callPrices } from './cycles-account-manager.ts';
import { resolveReceiver } from './routing.ts';
import type { MessageOutcome } from './message-outcome.ts';
import type { RoundState } from './round-state.ts';
import { callMade } from './round-trace.ts';
import {
  ErrorCode,
  errorCodeText,
  rejectCodeOf,
  type UserError,
  truncateReject,
} from './user-error.ts';

/**
 * Call contexts and callbacks of a canister: opened with a call, closed when the last callback ran.
 * Security: each call is answered exactly once; cycles are only moved, never made.
 * @upstream rs/replicated_state/src/canister_state/system_state/call_context_manager.rs
 */

export function contextOf(canister: CanisterState, contextId: number): CallContext {
  const found = canister.calls.contexts.find(({ id }) => id === contextId);
  return present(found, 'a call context lives as long as its callbacks');
}

function withCalls(round: RoundState, canisterId: CanisterId, calls: CallContextManager): void {
  round.update(canisterId, { calls });
}

/** Changes a context in the working copy. */
export function changeContext(
  round: RoundState,
  canisterId: CanisterId,
  contextId: number,
  change: Partial<CallContext>,
): void {
  const { calls } = round.canister(canisterId);
  const contexts = calls.contexts.map((context) =>
    context.id === contextId ? { ...context, ...change } : context,
  );
  withCalls(round, canisterId, { ...calls, contexts });
}

/** Begins a call. @returns the context's id */
export function openContext(
  round: RoundState,
  canisterId: CanisterId,
  origin: CallOrigin,
  availableCycles: Cycles,
): number {
  const { calls } = round.canister(canisterId);
  const id = calls.nextContextId;
  const context: CallContext = {
    id,
    origin,
    responded: false,
    deleted: false,
    availableCycles,
    timeNs: round.timeNs,
    instructionsExecuted: 0n,
  };
  withCalls(round, canisterId, {
    ...calls,
    nextContextId: id + 1,
    contexts: [...calls.contexts, context],
  });
  return id;
}

/** Takes a callback off; its context stays. */
export function closeCallback(round: RoundState, canisterId: CanisterId, callback: Callback): void {
  const { calls } = round.canister(canisterId);
  const callbacks = calls.callbacks.filter(({ id }) => id !== callback.id);
  withCalls(round, canisterId, { ...calls, callbacks });
}

/** A deadline in whole seconds, as the IC keeps it. 0 = none. */
function deadlineOf(timeNs: TimeNs, timeoutSeconds: number | null): TimeNs {
  if (timeoutSeconds === null) {
    return 0n;
  }
  const seconds = BigInt(Math.min(timeoutSeconds, MAX_CALL_TIMEOUT_SECONDS));
  return (timeNs / NS_PER_SECOND + seconds) * NS_PER_SECOND;
}

/** Books the calls of a message that ended well: cycles leave the balance, callbacks wait, requests go out. */
export function registerCalls(
  round: RoundState,
  canisterId: CanisterId,
  contextId: number,
  calls: readonly OutgoingCall[],
): void {
  for (const call of calls) {
    registerCall(round, canisterId, contextId, call);
  }
}

function registerCall(
  round: RoundState,
  canisterId: CanisterId,
  contextId: number,
  call: OutgoingCall,
): void {
  const canister = round.canister(canisterId);
  const prices = callPrices(round.env, canister.execution?.memory64 === true);
  const transmissionPrepayment = responsePrepayment(prices);
  const payloadBytes = encodeUtf8(call.methodName).length + call.arg.length;
  const deadlineNs = deadlineOf(round.timeNs, call.timeoutSeconds);
  const receiver = resolveReceiver(round, call.receiver, call.methodName, call.arg);
  const id = canister.calls.nextCallbackId;
  const callback: Callback = {
    id,
    contextId,
    respondent: receiver,
    cyclesSent: call.cycles,
    executionPrepayment: prices.executionPrepayment,
    transmissionPrepayment,
    onReply: call.onReply,
    onReject: call.onReject,
    onCleanup: call.onCleanup,
    deadlineNs,
    expired: false,
  };
  const moved = call.cycles + transmissionPrepayment + prices.executionPrepayment;
  round.put({
    ...canister,
    cycles: canister.cycles - moved,
    calls: {
      ...canister.calls,
      nextCallbackId: id + 1,
      callbacks: [...canister.calls.callbacks, callback],
    },
  });
  const fee = requestFee(prices, payloadBytes);
  round.charge(canisterId, fee, 'requestAndResponseTransmission');
  const context = contextOf(canister, contextId);
  const request: CanisterRequest = {
    kind: 'request',
    sender: canisterId,
    receiver,
    callbackId: id,
    methodName: call.methodName,
    arg: call.arg,
    cycles: call.cycles,
    deadlineNs,
    callTree: treeBelow(context),
  };
  if (receiver !== canisterId) {
    round.trace.push(callMade(round, request, context.origin));
  }
  round.send(request);
}

/** Of the calls that a call makes. */
function treeBelow({ origin, timeNs }: CallContext): CallTree {
  if (origin.kind !== 'canister') {
    return { depth: 1, startTimeNs: timeNs };
  }
  const { depth, startTimeNs } = origin.request.callTree;
  return { depth: depth + 1, startTimeNs };
}

/** How a message of a call ended: with an answer, without one, or in an error. */
export type MessageEnd =
  | { readonly kind: 'answered'; readonly outcome: MessageOutcome }
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly error: UserError };

/**
 * After a message of a call: answers the caller when there is an answer or none can come any more,
 * and forgets the call when nothing is open.
 */
export function settleCall(
  round: RoundState,
  canisterId: CanisterId,
  contextId: number,
  end: MessageEnd,
  instructions: Instructions,
): void {
  const canister = round.canister(canisterId);
  const before = contextOf(canister, contextId);
  const context = {
    ...before,
    instructionsExecuted: before.instructionsExecuted + instructions,
  };
  const waits = canister.calls.callbacks.some((callback) => callback.contextId === contextId);
  const outcome = context.responded ? undefined : outcomeFor(canisterId, end, waits);
  if (outcome !== undefined) {
    answerCall(round, context, outcome);
  } else if (!context.responded && context.origin.kind === 'ingress') {
    round.setProcessing(context.origin.message);
  }
  const responded = context.responded || outcome !== undefined;
  if (waits) {
    const availableCycles = responded ? 0n : context.availableCycles;
    changeContext(round, canisterId, contextId, { ...context, responded, availableCycles });
  } else {
    const { calls } = round.canister(canisterId);
    const contexts = calls.contexts.filter(({ id }) => id !== contextId);
    withCalls(round, canisterId, { ...calls, contexts });
  }
}

function outcomeFor(
  canisterId: CanisterId,
  end: MessageEnd,
  waits: boolean,
): MessageOutcome | undefined {
  if (end.kind === 'answered') {
    return end.outcome;
  }
  if (waits) {
    return undefined;
  }
  return end.kind === 'failed'
    ? { kind: 'rejected', error: end.error }
    : { kind: 'rejected', error: didNotReply(canisterId), told: 'No response' };
}

function didNotReply(canisterId: CanisterId): UserError {
  const message = `Canister ${principalToText(canisterId)} did not reply to the call`;
  return { code: ErrorCode.canisterDidNotReply, message };
}

/** Sends the answer to whoever called, with the cycles that were not accepted. */
function answerCall(round: RoundState, context: CallContext, outcome: MessageOutcome): void {
  switch (context.origin.kind) {
    case 'ingress':
      round.finish(context.origin.message, outcome, context.instructionsExecuted);
      return;
    case 'canister': {
      const { request } = context.origin;
      answerRequest(round, request, outcome, context.availableCycles, context.instructionsExecuted);
      return;
    }
    case 'systemTask':
      return;
  }
}

/** Answers a request, from the canister it was sent to. */
export function answerRequest(
  round: RoundState,
  request: Pick<
    CanisterRequest,
    'sender' | 'receiver' | 'callbackId' | 'methodName' | 'deadlineNs'
  >,
  outcome: MessageOutcome,
  refund: Cycles,
  instructions: Instructions = 0n,
): void {
  round.finishCall(request, outcome, instructions);
  round.send({
    kind: 'response',
    originator: request.sender,
    respondent: request.receiver,
    callbackId: request.callbackId,
    refund,
    payload: payloadOf(outcome),
    deadlineNs: request.deadlineNs,
  });
}

/** An outcome as a calling canister sees it: as a rule an error's text begins with its code. */
export function payloadOf(outcome: MessageOutcome): ResponsePayload {
  if (outcome.kind === 'replied') {
    return { kind: 'reply', data: outcome.reply };
  }
  const { code, message } = outcome.error;
  return {
    kind: 'reject',
    code: rejectCodeOf(code),
    message: outcome.told ?? truncateReject(`${errorCodeText(code)}: ${message}`),
  };
}

/**
 * The canister loses its code: every open call is rejected, callbacks that still come run nothing.
 */
export function rejectOpenCalls(round: RoundState, canisterId: CanisterId): void {
  const error = {
    code: ErrorCode.canisterRejectedMessage,
    message: 'Canister has been uninstalled.',
  };
  for (const context of round.canister(canisterId).calls.contexts) {
    if (!context.responded) {
      answerCall(round, context, { kind: 'rejected', error, told: error.message });
    }
    changeContext(round, canisterId, context.id, {
      responded: true,
      deleted: true,
      availableCycles: 0n,
    });
  }
}
