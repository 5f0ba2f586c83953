import { compareText } from '../../base/bytes.ts';
import { canisterIdToU64, MANAGEMENT_CANISTER_ID, principalToText } from '../crypto/principal.ts';
import type {
  CanisterMessage,
  CanisterRequest,
  CanisterResponse,
  ResponsePayload,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { pushInput } from '../replicated-state/input-queues.ts';
import { isHosted } from '../replicated-state/replicated-state.ts';
import { RejectCode } from './user-error.ts';
import type { CanisterId, PrincipalId } from '../types/ids.ts';
import { refusalOf } from './execute-message.ts';
import type { RoundState } from './round-state.ts';

/**
 * Delivery of messages between the canisters of this subnet, in the round in which they were sent.
 * Security: a request that cannot be delivered is answered at once; a response is never lost but
 * for a caller that stopped waiting, whose cycles come back all the same.
 * @upstream rs/execution_environment/src/scheduler.rs#induct_messages_on_same_subnet, rs/messaging/src/routing/stream_handler.rs
 */

/** Empties the outbox, senders in order of their ids. @returns canisters that have new input */
export function inductCanisterMessages(round: RoundState): ReadonlySet<CanisterId> {
  const receivers = new Set<CanisterId>();
  const messages = round.outbox.toSorted((a, b) => compareText(senderOf(a), senderOf(b)));
  round.outbox = [];
  for (const message of messages) {
    const receiver =
      message.kind === 'request' ? inductRequest(round, message) : inductResponse(round, message);
    if (receiver !== undefined) {
      receivers.add(receiver);
    }
  }
  return receivers;
}

function senderOf(message: CanisterMessage): PrincipalId {
  return message.kind === 'request' ? message.sender : message.respondent;
}

function inductRequest(round: RoundState, request: CanisterRequest): CanisterId | undefined {
  const { receiver } = request;
  if (receiver === MANAGEMENT_CANISTER_ID || receiver === round.env.subnetId) {
    round.subnetQueue = [...round.subnetQueue, request];
    return undefined;
  }
  const refusal = refuse(round, receiver);
  if (refusal !== undefined) {
    return inductResponse(round, {
      kind: 'response',
      originator: request.sender,
      respondent: receiver,
      callbackId: request.callbackId,
      refund: request.cycles,
      payload: refusal,
      deadlineNs: request.deadlineNs,
    });
  }
  const canister = round.canister(receiver as CanisterId);
  round.put(pushInput(canister, request.sender, request));
  return canister.canisterId;
}

/** Why a receiver takes no request, as the stream handler words it. */
function refuse(round: RoundState, receiver: PrincipalId): ResponsePayload | undefined {
  const number = canisterIdToU64(receiver);
  const name = principalToText(receiver);
  if (number === undefined || !isHosted(round.canisterIds, number)) {
    const message = `No route to canister ${name}`;
    return { kind: 'reject', code: RejectCode.destinationInvalid, message };
  }
  const canister = round.find(receiver);
  if (canister === undefined) {
    const message = `Canister ${name} not found`;
    return { kind: 'reject', code: RejectCode.destinationInvalid, message };
  }
  const error = refusalOf(canister);
  return error === undefined
    ? undefined
    : { kind: 'reject', code: RejectCode.canisterError, message: error.message };
}

function inductResponse(round: RoundState, response: CanisterResponse): CanisterId | undefined {
  const canister = round.find(response.originator);
  if (canister === undefined) {
    round.consume(null, response.refund, 'droppedMessages');
    return undefined;
  }
  const callback = canister.calls.callbacks.find(({ id }) => id === response.callbackId);
  if (callback === undefined || callback.expired) {
    round.credit(canister.canisterId, response.refund);
    return undefined;
  }
  round.put(pushInput(canister, response.respondent, response));
  return canister.canisterId;
}

/**
 * Best-effort calls whose deadline passed: the caller hears that it waited in vain, requests still
 * queued are dropped and their cycles go back.
 */
export function expireBestEffortCalls(round: RoundState): void {
  for (const canisterId of round.select((sum) => sum.deadlineNs < round.timeNs)) {
    dropExpiredRequests(round, canisterId);
    expireCallbacks(round, canisterId);
  }
}

function isPast(round: RoundState, deadlineNs: bigint): boolean {
  return deadlineNs !== 0n && deadlineNs < round.timeNs;
}

function dropExpiredRequests(round: RoundState, canisterId: CanisterId): void {
  const { inputQueues } = round.canister(canisterId);
  const isLate = (message: CanisterMessage): message is CanisterRequest =>
    message.kind === 'request' && isPast(round, message.deadlineNs);
  const late = inputQueues.flatMap(({ messages }) => messages.filter(isLate));
  if (late.length === 0) {
    return;
  }
  round.update(canisterId, {
    inputQueues: inputQueues
      .map((queue) => ({
        ...queue,
        messages: queue.messages.filter((message) => !isLate(message)),
      }))
      .filter(({ messages }) => messages.length > 0),
  });
  for (const { sender, cycles } of late) {
    const caller = round.find(sender);
    if (caller === undefined) {
      round.consume(null, cycles, 'droppedMessages');
    } else {
      round.credit(caller.canisterId, cycles);
    }
  }
}

function expireCallbacks(round: RoundState, canisterId: CanisterId): void {
  const canister = round.canister(canisterId);
  const { calls, inputQueues } = canister;
  const answered = new Set(
    inputQueues.flatMap(({ messages }) =>
      messages.map((message) => (message.kind === 'response' ? message.callbackId : -1)),
    ),
  );
  const late = calls.callbacks.filter(
    ({ id, deadlineNs, expired }) => !expired && isPast(round, deadlineNs) && !answered.has(id),
  );
  if (late.length === 0) {
    return;
  }
  const callbacks = calls.callbacks.map((callback) =>
    late.includes(callback) ? { ...callback, expired: true } : callback,
  );
  let changed: CanisterState = { ...canister, calls: { ...calls, callbacks } };
  for (const { id, respondent, deadlineNs } of late) {
    changed = pushInput(changed, respondent, {
      kind: 'response',
      originator: canisterId,
      respondent,
      callbackId: id,
      refund: 0n,
      payload: {
        kind: 'reject',
        code: RejectCode.sysUnknown,
        message: 'Call deadline has expired.',
      },
      deadlineNs,
    });
  }
  round.put(changed);
}
