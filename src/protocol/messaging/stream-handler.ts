import { principalToText } from '../crypto/principal.ts';
import { inductResponse, receiverOf, senderOf } from '../execution/induct-canister-messages.ts';
import { rejectOf, rejectText } from '../execution/reject-request.ts';
import { refundCycles } from '../execution/refunds.ts';
import type { RoundState } from '../execution/round-state.ts';
import { hasMovedFrom, isOnTheMove, routeOf } from '../execution/routing.ts';
import type { InductedSlice } from '../interfaces/replica.ts';
import type { CanisterMessage, CanisterRequest } from '../replicated-state/canister-messages.ts';
import {
  cyclesOf,
  type RejectReason,
  type StreamMessage,
  type StreamSlice,
} from '../replicated-state/streams.ts';
import type { PrincipalId, SubnetId } from '../types/ids.ts';
import { inductRemoteRequest } from './induct-request.ts';
import { pushToStream } from './stream-builder.ts';
import type { StreamDraft, StreamDrafts } from './stream-drafts.ts';

/**
 * Takes in what other subnets, and this one by its loopback stream, sent: first the loopback stream,
 * then what other subnets say of ours, then their messages, each answered by a signal.
 * Security: a slice that does not fit the stream is left out as a whole, and told; each message is
 * inducted once, because only the next expected index is.
 * @upstream rs/messaging/src/routing/stream_handler.rs
 */
export function inductStreams(
  round: RoundState,
  drafts: StreamDrafts,
  slices: readonly InductedSlice[],
): void {
  inductLoopback(round, drafts);
  const fitting = slices.filter(({ from, slice }) => {
    const misfit =
      from === round.env.subnetId ? 'of the own subnet' : misfitOf(drafts, from, slice);
    if (misfit !== undefined) {
      critical(
        round,
        'INVALID_STREAM_SLICE',
        `A slice from ${principalToText(from)} is ${misfit}.`,
      );
    }
    return misfit === undefined;
  });
  for (const { from, slice, certifiedHeight } of fitting) {
    const draft = drafts.of(from);
    draft.sliceHeight = certifiedHeight;
    const { signalsEnd, rejectSignals, begin } = slice.header;
    const rejected = draft.collectMessages(signalsEnd, rejectSignals);
    draft.collectSignals(begin);
    returnRejected(round, drafts, from, rejected);
  }
  for (const { from, slice } of fitting) {
    const draft = drafts.of(from);
    for (const message of slice.messages) {
      inductMessage(round, draft, from, message);
    }
  }
}

/** What of a slice does not fit this subnet's stream; validated blocks hold no such slice. */
function misfitOf(drafts: StreamDrafts, from: SubnetId, slice: StreamSlice): string | undefined {
  const { header, messages, messagesBegin } = slice;
  const { begin, end, signalsEnd } = drafts.peek(from) ?? { begin: 0, end: 0, signalsEnd: 0 };
  if (header.signalsEnd < begin || header.signalsEnd > end) {
    return `with signals to ${header.signalsEnd}, of messages ${begin} to ${end}`;
  }
  const messagesEnd = messages.length === 0 ? signalsEnd : messagesBegin + messages.length;
  if (messages.length > 0 && messagesBegin !== signalsEnd) {
    return `with messages from ${messagesBegin} on, where ${signalsEnd} is expected`;
  }
  if (header.begin > signalsEnd || messagesEnd > header.end) {
    return `with messages ${header.begin} to ${header.end}, where ${signalsEnd} is expected`;
  }
  return undefined;
}

function critical(round: RoundState, code: string, message: string): void {
  round.trace.push({ kind: 'criticalError', code, message });
}

function inductLoopback(round: RoundState, drafts: StreamDrafts): void {
  const own = round.env.subnetId;
  const waiting = round.streams.get(own)?.messages ?? [];
  if (waiting.length === 0) {
    return;
  }
  const draft = drafts.of(own);
  for (const message of waiting) {
    inductMessage(round, draft, own, message);
  }
  const { rejectSignals, signalsEnd } = draft.seal();
  const rejected = draft.collectMessages(signalsEnd, rejectSignals);
  draft.collectSignals(signalsEnd);
  returnRejected(round, drafts, own, rejected);
}

/** Answers requests that their receiver's subnet did not take, and sends responses after a canister that moved. */
function returnRejected(
  round: RoundState,
  drafts: StreamDrafts,
  from: SubnetId,
  rejected: readonly (readonly [RejectReason, StreamMessage])[],
): void {
  const own = round.env.subnetId;
  for (const [reason, message] of rejected) {
    round.receivedCycles += from === own ? 0n : cyclesOf(message);
    if (message.kind === 'request') {
      returnRequest(round, drafts, reason, message);
      continue;
    }
    if (reason !== 'canisterMigrating') {
      const text = `Subnet ${principalToText(from)} rejected a ${message.kind}: ${reason}.`;
      critical(round, 'BAD_REJECT_SIGNAL_FOR_RESPONSE', text);
    }
    reroute(round, drafts, message);
  }
}

function returnRequest(
  round: RoundState,
  drafts: StreamDrafts,
  reason: RejectReason,
  request: CanisterRequest,
): void {
  const response = rejectOf(request, ...rejectText(reason, request));
  if (routeOf(round, request.sender) === round.env.subnetId) {
    inductResponse(round, response);
  } else {
    reroute(round, drafts, response);
  }
}

function reroute(round: RoundState, drafts: StreamDrafts, message: StreamMessage): void {
  const destination = routeOf(round, recipientOf(message));
  if (destination === undefined) {
    const name = principalToText(recipientOf(message));
    critical(round, 'RESPONSE_DESTINATION_NOT_FOUND', `No subnet hosts ${name} any more.`);
    round.consume(null, cyclesOf(message), 'droppedMessages');
    return;
  }
  pushToStream(round, drafts, destination, message);
}

function recipientOf(message: StreamMessage): PrincipalId {
  return message.kind === 'refund' ? message.recipient : receiverOf(message);
}

/** Inducts one message and signals what became of it. */
function inductMessage(
  round: RoundState,
  draft: StreamDraft,
  from: SubnetId,
  message: StreamMessage,
): void {
  const reason = tryToInduct(round, from, message);
  if (reason === undefined) {
    draft.accept();
  } else {
    draft.reject(reason);
  }
}

/** Undefined: inducted, or dropped for good. */
function tryToInduct(
  round: RoundState,
  from: SubnetId,
  message: StreamMessage,
): RejectReason | undefined {
  const own = round.env.subnetId;
  const host = routeOf(round, recipientOf(message));
  if (message.kind !== 'refund' && !mayComeFrom(round, from, message)) {
    const name = principalToText(senderOf(message));
    const text = `Subnet ${principalToText(from)} sent a message of ${name}, which it does not host.`;
    return drop(round, from, message, 'SENDER_SUBNET_MISMATCH', text);
  }
  if (host !== own) {
    if (host !== undefined && isOnTheMove(round, recipientOf(message), own, host)) {
      return 'canisterMigrating';
    }
    const name = principalToText(recipientOf(message));
    return drop(round, from, message, 'RECEIVER_SUBNET_MISMATCH', `${name} is not hosted here.`);
  }
  const isRemote = from !== own;
  if (message.kind === 'request') {
    const reason = inductRemoteRequest(round, message, isRemote);
    round.receivedCycles += isRemote && reason === undefined ? message.cycles : 0n;
    return reason;
  }
  round.receivedCycles += isRemote ? cyclesOf(message) : 0n;
  if (message.kind === 'refund') {
    refundCycles(round, message.recipient, message.cycles);
  } else {
    inductResponse(round, message, isRemote);
  }
  return undefined;
}

/**
 * The sender is on that subnet, or moves from or to it; or a request's receiver moved on while its
 * answer, which that subnet gave in its place, was on its way to it.
 */
function mayComeFrom(round: RoundState, from: SubnetId, message: CanisterMessage): boolean {
  const sender = senderOf(message);
  const host = routeOf(round, sender);
  if (host === from || (host !== undefined && isOnTheMove(round, sender, host, from))) {
    return true;
  }
  const isReject = message.kind === 'response' && message.payload.kind === 'reject';
  return isReject && hasMovedFrom(round, message.originator, from);
}

/** The message is not taken, and no answer is owed: who sent it lies. */
function drop(
  round: RoundState,
  from: SubnetId,
  message: StreamMessage,
  code: string,
  text: string,
): undefined {
  critical(round, code, text);
  round.receivedCycles += from === round.env.subnetId ? 0n : cyclesOf(message);
  round.consume(null, cyclesOf(message), 'droppedMessages');
}
