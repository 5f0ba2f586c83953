import { compareText } from '../../base/bytes.ts';
import { principalToText } from '../crypto/principal.ts';
import { REQUEST_LIFETIME_NS } from '../limits/messaging.ts';
import type {
  CanisterMessage,
  CanisterRequest,
  CanisterResponse,
} from '../replicated-state/canister-messages.ts';
import { pushInput } from '../replicated-state/input-queues.ts';
import { pushOutput } from '../replicated-state/output-queues.ts';
import type { CanisterId, PrincipalId, TimeNs } from '../types/ids.ts';
import { callRefusal } from './calls-allowed.ts';
import { rejectOf, rejectText, whyNotInducted } from './reject-request.ts';
import type { RoundState } from './round-state.ts';
import { isOwnManagement, routeOf } from './routing.ts';
import { errorCodeText, rejectCodeOf } from './user-error.ts';

/**
 * Delivery of messages between the canisters of this subnet, in the round in which they were sent.
 * What has no room, or goes elsewhere, waits in the sender's output queue for the stream to its
 * receiver; within the subnet that is the loopback stream. A receiver that takes no requests is
 * answered for at once, where the IC lets the loopback stream do so a round later.
 * Security: a response is never lost but for a caller that stopped waiting, whose cycles come back all the same.
 * @upstream rs/execution_environment/src/scheduler.rs#induct_messages_on_same_subnet
 */

/** Empties the outbox, senders in order of their ids. @returns canisters that have new input */
export function inductCanisterMessages(round: RoundState): ReadonlySet<CanisterId> {
  const receivers = new Set<CanisterId>();
  const messages = round.outbox.toSorted((a, b) => compareText(senderOf(a), senderOf(b)));
  round.outbox = [];
  for (const message of messages) {
    const receiver =
      message.kind === 'request'
        ? inductRequest(round, message)
        : inductOwnResponse(round, message);
    if (receiver !== undefined) {
      receivers.add(receiver);
    }
  }
  return receivers;
}

export function senderOf(message: CanisterMessage): PrincipalId {
  return message.kind === 'request' ? message.sender : message.respondent;
}

export function receiverOf(message: CanisterMessage): PrincipalId {
  return message.kind === 'request' ? message.receiver : message.originator;
}

function inductRequest(round: RoundState, request: CanisterRequest): CanisterId | undefined {
  const { sender, receiver } = request;
  const refused = callRefusal(round.env, request);
  if (refused !== undefined) {
    const text = `${errorCodeText(refused.code)}: ${refused.message}`;
    return inductResponse(round, rejectOf(request, rejectCodeOf(refused.code), text));
  }
  if (isOwnManagement(round, receiver)) {
    round.subnetQueue = [...round.subnetQueue, request];
    return undefined;
  }
  const isWaiting = round.find(sender)?.outputQueues.some((queue) => queue.receiver === receiver);
  const reason =
    isWaiting || routeOf(round, receiver) !== round.env.subnetId
      ? 'queueFull'
      : whyNotInducted(round, request);
  if (reason === 'queueFull') {
    enqueue(round, request);
    return undefined;
  }
  if (reason !== undefined) {
    return inductResponse(round, rejectOf(request, ...rejectText(reason, request)));
  }
  const canister = round.canister(receiver as CanisterId);
  round.put(pushInput(canister, sender, request));
  return canister.canisterId;
}

function inductOwnResponse(round: RoundState, response: CanisterResponse): CanisterId | undefined {
  if (routeOf(round, response.originator) !== round.env.subnetId) {
    enqueue(round, response);
    return undefined;
  }
  return inductResponse(round, response);
}

/** Puts a message into the output queue of its sender, where that still exists. */
function enqueue(round: RoundState, message: CanisterMessage): void {
  const outgoing = { message, expiresNs: expiryOf(round, message) };
  const canister = round.find(senderOf(message));
  const receiver = receiverOf(message);
  if (canister === undefined) {
    round.subnetOutputs = pushOutput(round.subnetOutputs, receiver, outgoing);
  } else {
    const outputQueues = pushOutput(canister.outputQueues, receiver, outgoing);
    round.put({ ...canister, outputQueues });
  }
}

/** A guaranteed response waits as long as it takes; what is best-effort ends with its deadline. */
function expiryOf(round: RoundState, { kind, deadlineNs }: CanisterMessage): TimeNs {
  if (deadlineNs !== 0n) {
    return deadlineNs;
  }
  return kind === 'request' ? round.timeNs + REQUEST_LIFETIME_NS : 0n;
}

/**
 * Puts a response into its caller's queue. One that nobody waits for leaves its cycles to the caller,
 * or is lost with it; what no honest subnet sends is corrected and told.
 * @returns the caller, if it has new input
 */
export function inductResponse(
  round: RoundState,
  response: CanisterResponse,
  isRemote = false,
): CanisterId | undefined {
  const { originator, respondent, callbackId, refund } = response;
  const canister = round.find(originator);
  if (canister === undefined) {
    round.consume(null, refund, 'droppedMessages');
    return undefined;
  }
  const callback = canister.calls.callbacks.find(({ id }) => id === callbackId);
  if (callback === undefined || callback.expired) {
    round.credit(canister.canisterId, refund);
    return undefined;
  }
  if (callback.respondent !== respondent) {
    mismatch(round, response, `answers call ${callbackId} in the place of another`);
    round.consume(null, refund, 'droppedMessages');
    return undefined;
  }
  const excess = refund - callback.cyclesSent;
  if (excess > 0n) {
    mismatch(round, response, `gives ${excess} cycles more back than were sent`);
    round.consume(null, excess, 'droppedMessages');
  }
  const due = excess > 0n ? { ...response, refund: callback.cyclesSent } : response;
  round.put(pushInput(round.canister(canister.canisterId), respondent, due, isRemote));
  return canister.canisterId;
}

function mismatch(round: RoundState, response: CanisterResponse, what: string): void {
  round.trace.push({
    kind: 'criticalError',
    code: 'INDUCT_RESPONSE_FAILED',
    message: `A response of ${principalToText(response.respondent)} to ${principalToText(response.originator)} ${what}.`,
  });
}
