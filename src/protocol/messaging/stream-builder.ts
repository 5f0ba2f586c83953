import { compareText } from '../../base/bytes.ts';
import { principalToText } from '../crypto/principal.ts';
import { rejectOf } from '../execution/reject-request.ts';
import { inductResponse, receiverOf } from '../execution/induct-canister-messages.ts';
import { messageBytes } from '../execution/message-memory.ts';
import type { RoundState } from '../execution/round-state.ts';
import { routeOf } from '../execution/routing.ts';
import { RejectCode, truncateReject } from '../execution/user-error.ts';
import { MAX_RESPONSE_PAYLOAD_BYTES } from '../limits/execution.ts';
import { subnetEntry } from '../registry/network-topology.ts';
import type {
  CanisterMessage,
  CanisterRequest,
  CanisterResponse,
  OutgoingMessage,
  OutputQueue,
} from '../replicated-state/canister-messages.ts';
import { cyclesOf, type StreamMessage } from '../replicated-state/streams.ts';
import type { CanisterId, PrincipalId, SubnetId } from '../types/ids.ts';
import type { StreamDrafts } from './stream-drafts.ts';
import { isStreamFull, takesRefunds } from './stream-limits.ts';

/**
 * Moves messages from output queues into streams, at the end of a round: canisters take turns, and so
 * do the receivers of each. What no stream has room for stays where it is, and what follows it to the
 * same receiver with it.
 * @upstream rs/messaging/src/routing/stream_builder.rs
 */
export function buildStreams(round: RoundState, drafts: StreamDrafts): void {
  routeRefunds(round, drafts);
  const rejects = routeOutputs(round, drafts);
  for (const response of rejects) {
    inductResponse(round, response);
  }
}

/** Puts a message onto a stream; what goes to another subnet is booked as sent. */
export function pushToStream(
  round: RoundState,
  drafts: StreamDrafts,
  destination: SubnetId,
  message: StreamMessage,
): void {
  drafts.of(destination).push(message);
  if (destination !== round.env.subnetId) {
    round.sentCycles += cyclesOf(message);
  }
}

function routeRefunds(round: RoundState, drafts: StreamDrafts): void {
  const due = [...round.refunds].toSorted(([a], [b]) => compareText(a, b));
  for (const [recipient, cycles] of due) {
    const destination = routeOf(round, recipient);
    if (destination === undefined) {
      round.consume(null, cycles, 'droppedMessages');
      round.refunds.delete(recipient);
    } else if (takesRefunds(drafts.of(destination))) {
      pushToStream(round, drafts, destination, { kind: 'refund', recipient, cycles });
      round.refunds.delete(recipient);
    }
  }
}

/** Output of one canister; null = of the management canister. */
interface Output {
  readonly owner: CanisterId | null;
  /** In order of their turn. */
  queues: { readonly receiver: PrincipalId; messages: readonly OutgoingMessage[]; next: number }[];
  readonly full: OutputQueue[];
}

function outputOf(owner: CanisterId | null, queues: readonly OutputQueue[]): Output {
  return { owner, queues: queues.map((queue) => ({ ...queue, next: 0 })), full: [] };
}

/** Canisters in order of their ids, another one first each round. */
function outputs(round: RoundState): readonly Output[] {
  const ids = round.select((sum) => sum.hasOutput);
  const first = ids.length === 0 ? 0 : round.height % ids.length;
  const ring = [...ids.slice(first), ...ids.slice(0, first)];
  const canisters = ring.map((id) => outputOf(id, round.canister(id).outputQueues));
  return round.subnetOutputs.length === 0
    ? canisters
    : [outputOf(null, round.subnetOutputs), ...canisters];
}

/** @returns answers to requests that go nowhere */
function routeOutputs(round: RoundState, drafts: StreamDrafts): readonly CanisterResponse[] {
  const all = outputs(round);
  const rejects: CanisterResponse[] = [];
  let waiting = all;
  while (waiting.length > 0) {
    for (const output of waiting) {
      routeNext(round, drafts, output, rejects);
    }
    waiting = waiting.filter(({ queues }) => queues.length > 0);
  }
  for (const { owner, full } of all) {
    if (owner === null) {
      round.subnetOutputs = full;
    } else {
      round.update(owner, { outputQueues: full });
    }
  }
  return rejects;
}

/** Routes one message of the receiver whose turn it is, or puts the queue aside. */
function routeNext(
  round: RoundState,
  drafts: StreamDrafts,
  output: Output,
  rejects: CanisterResponse[],
): void {
  const queue = output.queues.shift();
  const message = queue?.messages[queue.next]?.message;
  if (queue === undefined || message === undefined) {
    return;
  }
  const destination = routeOf(round, queue.receiver);
  if (destination !== undefined && isFull(round, drafts, destination)) {
    output.full.push({ receiver: queue.receiver, messages: queue.messages.slice(queue.next) });
    return;
  }
  queue.next += 1;
  if (queue.next < queue.messages.length) {
    output.queues.push(queue);
  }
  routeMessage(round, drafts, destination, message, rejects);
}

function isFull(round: RoundState, drafts: StreamDrafts, destination: SubnetId): boolean {
  if (destination === round.env.subnetId) {
    return false;
  }
  const type = round.topology && subnetEntry(round.topology, destination)?.subnetType;
  const stream = drafts.peek(destination);
  return stream !== undefined && isStreamFull(stream, type ?? 'application');
}

function routeMessage(
  round: RoundState,
  drafts: StreamDrafts,
  destination: SubnetId | undefined,
  message: CanisterMessage,
  rejects: CanisterResponse[],
): void {
  if (message.kind === 'response') {
    routeResponse(round, drafts, destination, message);
    return;
  }
  if (destination === undefined) {
    const text = `No route to canister ${principalToText(message.receiver)}`;
    rejects.push(rejectOf(message, RejectCode.destinationInvalid, text));
    return;
  }
  const isRemote = destination !== round.env.subnetId;
  if (isRemote && messageBytes(message) > MAX_RESPONSE_PAYLOAD_BYTES) {
    rejects.push(oversized(message));
    return;
  }
  pushToStream(round, drafts, destination, message);
}

function violatedContract(canister: PrincipalId, bytes: number): string {
  return `Canister ${principalToText(canister)} violated contract: attempted to send a message of size ${bytes} exceeding the limit ${MAX_RESPONSE_PAYLOAD_BYTES}`;
}

function oversized(request: CanisterRequest): CanisterResponse {
  const text = violatedContract(request.sender, messageBytes(request));
  return rejectOf(request, RejectCode.canisterError, text);
}

function routeResponse(
  round: RoundState,
  drafts: StreamDrafts,
  destination: SubnetId | undefined,
  response: CanisterResponse,
): void {
  if (destination === undefined) {
    round.trace.push({
      kind: 'criticalError',
      code: 'RESPONSE_DESTINATION_NOT_FOUND',
      message: `A response to ${principalToText(receiverOf(response))} is dropped: no subnet hosts it.`,
    });
    round.consume(null, response.refund, 'droppedMessages');
    return;
  }
  pushToStream(round, drafts, destination, withinLimit(round, response));
}

/** A response that no stream may carry becomes a reject, so that its caller hears something. */
function withinLimit(round: RoundState, response: CanisterResponse): CanisterResponse {
  const bytes = messageBytes(response);
  if (bytes <= MAX_RESPONSE_PAYLOAD_BYTES) {
    return response;
  }
  const { respondent, payload } = response;
  round.trace.push({
    kind: 'criticalError',
    code: 'STREAM_PAYLOAD_TOO_LARGE',
    message: `A response of ${principalToText(respondent)} has ${bytes} bytes.`,
  });
  const code = payload.kind === 'reject' ? payload.code : RejectCode.canisterError;
  const message =
    payload.kind === 'reject'
      ? truncateReject(payload.message)
      : violatedContract(respondent, bytes);
  return { ...response, payload: { kind: 'reject', code, message } };
}
