import { guaranteedCallBytes, requestBytes } from '../execution/message-memory.ts';
import { whyNotInducted } from '../execution/reject-request.ts';
import type { RoundState } from '../execution/round-state.ts';
import { isOwnManagement } from '../execution/routing.ts';
import { QUEUE_CAPACITY } from '../limits/messaging.ts';
import { isRequest, type CanisterRequest } from '../replicated-state/canister-messages.ts';
import { pushInput } from '../replicated-state/input-queues.ts';
import type { RejectReason } from '../replicated-state/streams.ts';
import type { CanisterId } from '../types/ids.ts';

/**
 * Puts a request that came by a stream into its receiver's queue.
 * @returns why not
 */
export function inductRemoteRequest(
  round: RoundState,
  request: CanisterRequest,
  isRemote: boolean,
): RejectReason | undefined {
  const { receiver, sender } = request;
  const isManagement = isOwnManagement(round, receiver);
  const reason = isManagement ? subnetQueueReason(round, request) : whyNotInducted(round, request);
  if (reason !== undefined) {
    return reason;
  }
  if (!takeRoom(round, request)) {
    return 'outOfMemory';
  }
  if (isManagement) {
    round.subnetQueue = [...round.subnetQueue, request];
  } else {
    const canister = round.canister(receiver as CanisterId);
    round.put(pushInput(canister, sender, request, isRemote));
  }
  return undefined;
}

function subnetQueueReason(
  round: RoundState,
  { sender }: CanisterRequest,
): RejectReason | undefined {
  const waiting = round.subnetQueue.filter(
    (message) => isRequest(message) && message.sender === sender,
  ).length;
  return waiting < QUEUE_CAPACITY ? undefined : 'queueFull';
}

/** Takes what the request and its response need of the subnet's memory for messages, if that is there. */
function takeRoom(round: RoundState, request: CanisterRequest): boolean {
  const room = round.room();
  const isGuaranteed = request.deadlineNs === 0n;
  const bytes = isGuaranteed ? guaranteedCallBytes(requestBytes(request)) : 0;
  // The system's own canisters are never kept waiting for memory.
  const isFree = round.env.subnetType === 'system';
  if (!isFree && (room.guaranteedBytes < bytes || room.bytes < request.arg.length)) {
    return false;
  }
  room.guaranteedBytes -= bytes;
  room.bytes -= request.arg.length;
  return true;
}
