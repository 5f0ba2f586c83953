import type { ExecutionLimits } from '../limits/execution.ts';
import { MAX_SUBNET_CALLBACKS, MAX_SUBNET_MESSAGE_BYTES } from '../limits/messaging.ts';
import type { CanisterMessage, SubnetMessage } from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { outgoingMessages } from '../replicated-state/output-queues.ts';
import type { Outbound } from '../replicated-state/streams.ts';
import type { CanisterSummary } from './canister-summary.ts';
import { usedBytes } from './cycles-account-manager.ts';
import { guaranteedCallBytes, requestBytes, responseBytes } from './message-memory.ts';
import { allocatedBytes } from './storage-price.ts';

/** What the subnet can still take in this round. @upstream rs/interfaces#SubnetAvailableMemory */
export interface Room {
  callbacks: number;
  /** Of arguments. */
  bytes: number;
  /** For guaranteed responses. */
  guaranteedBytes: number;
  /** Of canisters; below zero when they have more than they may. */
  memoryBytes: bigint;
  /** Into so many parts the subnet's room was divided. */
  readonly shares: number;
}

export function roomOf(
  used: CanisterSummary,
  { streams, subnetOutputs }: Outbound,
  subnetQueue: readonly SubnetMessage[],
  limits: ExecutionLimits,
): Room {
  const waiting = subnetQueue.reduce((bytes, { arg }) => bytes + arg.length, 0);
  return {
    callbacks: MAX_SUBNET_CALLBACKS - used.callbacks,
    bytes: MAX_SUBNET_MESSAGE_BYTES - used.messageBytes - waiting,
    guaranteedBytes:
      Number(limits.guaranteedResponseBytes) -
      used.guaranteedBytes -
      outboundResponseBytes(streams, subnetOutputs),
    memoryBytes: limits.subnetMemoryBytes - limits.callbackMemoryBytes - used.memoryBytes,
    shares: 1,
  };
}

/** Of guaranteed responses that no canister holds any more, or that none ever held. */
function outboundResponseBytes(
  streams: Outbound['streams'],
  subnetOutputs: Outbound['subnetOutputs'],
): number {
  let bytes = 0;
  for (const { message } of outgoingMessages(subnetOutputs)) {
    bytes += guaranteedResponseBytes(message);
  }
  for (const { messages } of streams.values()) {
    for (const message of messages) {
      bytes += message.kind === 'refund' ? 0 : guaranteedResponseBytes(message);
    }
  }
  return bytes;
}

function guaranteedResponseBytes(message: CanisterMessage): number {
  return message.kind === 'response' && message.deadlineNs === 0n ? responseBytes(message) : 0;
}

/** An equal part of the room, for work that goes on side by side. */
export function shareOf(whole: Room, shares: number): Room {
  return {
    callbacks: Math.floor(whole.callbacks / shares),
    bytes: Math.floor(whole.bytes / shares),
    guaranteedBytes: Math.floor(whole.guaranteedBytes / shares),
    memoryBytes: whole.memoryBytes / BigInt(shares),
    shares: whole.shares * shares,
  };
}

/** Takes off a room what was used of a part of it. */
export function takeUsed(room: Room, given: Room, left: Room): void {
  room.callbacks -= given.callbacks - left.callbacks;
  room.bytes -= given.bytes - left.bytes;
  room.guaranteedBytes -= given.guaranteedBytes - left.guaranteedBytes;
  room.memoryBytes -= given.memoryBytes - left.memoryBytes;
}

export function takeMessage(room: Room, message: CanisterMessage): void {
  if (message.kind === 'response') {
    return;
  }
  room.callbacks -= 1;
  room.bytes -= message.arg.length;
  if (message.deadlineNs === 0n) {
    room.guaranteedBytes -= guaranteedCallBytes(requestBytes(message));
  }
}

/** Takes the memory that a canister has more, or gives back what it has less, after a change. */
export function takeMemory(
  room: Room,
  after: CanisterState | undefined,
  before: CanisterState | undefined,
): void {
  if (
    after?.execution !== before?.execution ||
    after?.settings !== before?.settings ||
    after?.changes !== before?.changes ||
    after?.chunkStore !== before?.chunkStore ||
    after?.snapshots !== before?.snapshots
  ) {
    room.memoryBytes -= memoryBytesOf(after) - memoryBytesOf(before);
  }
}

function memoryBytesOf(canister: CanisterState | undefined): bigint {
  return canister === undefined
    ? 0n
    : allocatedBytes(usedBytes(canister), canister.settings.memoryAllocationBytes);
}
