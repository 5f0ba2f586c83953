import type {
  CanisterMessage,
  CanisterRequest,
  OutgoingMessage,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { pushInput } from '../replicated-state/input-queues.ts';
import { partitionOutputs } from '../replicated-state/output-queues.ts';
import { cyclesOf } from '../replicated-state/streams.ts';
import type { CanisterId } from '../types/ids.ts';
import { inductResponse } from './induct-canister-messages.ts';
import { refundCycles } from './refunds.ts';
import { rejectOf } from './reject-request.ts';
import type { RoundState } from './round-state.ts';
import { RejectCode } from './user-error.ts';

/**
 * Messages and calls whose time is over, at the start of a round: a guaranteed request only while it
 * waits in its sender's output queue, best-effort ones wherever they are.
 * @upstream rs/replicated_state/src/replicated_state.rs#time_out_messages, time_out_callbacks
 */
export function expireMessages(round: RoundState): void {
  expireOutputs(round);
  for (const canisterId of round.select((sum) => sum.deadlineNs < round.timeNs)) {
    dropExpiredRequests(round, canisterId);
    expireCallbacks(round, canisterId);
  }
}

function isPast(round: RoundState, deadlineNs: bigint): boolean {
  return deadlineNs !== 0n && deadlineNs < round.timeNs;
}

function expireOutputs(round: RoundState): void {
  const isLate = ({ expiresNs }: OutgoingMessage): boolean => isPast(round, expiresNs);
  const ofSubnet = partitionOutputs(round.subnetOutputs, isLate);
  round.subnetOutputs = ofSubnet.taken.length === 0 ? round.subnetOutputs : ofSubnet.kept;
  giveUp(round, ofSubnet.taken);
  for (const canisterId of round.select((sum) => sum.outputExpiryNs < round.timeNs)) {
    const { kept, taken } = partitionOutputs(round.canister(canisterId).outputQueues, isLate);
    round.update(canisterId, { outputQueues: kept });
    giveUp(round, taken);
  }
}

function giveUp(round: RoundState, late: readonly OutgoingMessage[]): void {
  for (const { message } of late) {
    if (message.kind === 'request' && message.deadlineNs === 0n) {
      inductResponse(round, rejectOf(message, RejectCode.sysTransient, 'Request timed out.'));
    } else {
      // Who made a best-effort call hears of its deadline from its own callback.
      refundCycles(
        round,
        message.kind === 'request' ? message.sender : message.originator,
        cyclesOf(message),
      );
    }
  }
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
    refundCycles(round, sender, cycles);
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
