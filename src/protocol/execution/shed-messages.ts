import type { CanisterMessage, CanisterResponse } from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { outgoingMessages, partitionOutputs } from '../replicated-state/output-queues.ts';
import { cyclesOf } from '../replicated-state/streams.ts';
import type { CanisterId } from '../types/ids.ts';
import { messageBytes, messageMemory, requestBytes, responseBytes } from './message-memory.ts';
import { refundCycles } from './refunds.ts';
import type { RoundState } from './round-state.ts';
import { RejectCode } from './user-error.ts';

/**
 * Room for best-effort messages is not kept but taken back: when they hold more than their limit, the
 * canister that has most of them loses its largest one, until they fit. Who called waits for its
 * deadline, or hears that the response was dropped; the cycles come back at once.
 * @upstream rs/replicated_state/src/replicated_state.rs#enforce_best_effort_message_limit
 */

const DROPPED: CanisterResponse['payload'] = {
  kind: 'reject',
  code: RejectCode.sysUnknown,
  message: 'Response was dropped.',
};

interface Sheddable {
  readonly message: CanisterMessage;
  readonly bytes: number;
}

/** A canister's best-effort messages, the largest last. */
interface Holder {
  readonly canisterId: CanisterId;
  bytes: number;
  readonly messages: Sheddable[];
}

/** Drops best-effort messages above the subnet's limit; at the end of a round. */
export function shedBestEffortMessages(round: RoundState): void {
  const limit = Number(round.env.limits.bestEffortBytes);
  let total = round.summary().bestEffortBytes;
  if (total <= limit) {
    return;
  }
  const holders = round
    .select((sum) => sum.bestEffortBytes > 0)
    .map((canisterId) => holderOf(round.canister(canisterId)));
  const shed = new Map<CanisterId, Set<CanisterMessage>>();
  while (total > limit) {
    const holder = largestOf(holders);
    const largest = holder?.messages.pop();
    if (holder === undefined || largest === undefined) {
      break;
    }
    const dropped = shed.get(holder.canisterId) ?? new Set();
    shed.set(holder.canisterId, dropped.add(largest.message));
    holder.bytes -= largest.bytes;
    total -= largest.bytes;
  }
  for (const [canisterId, dropped] of shed) {
    dropMessages(round, canisterId, dropped);
  }
}

/** The one with most bytes among those that have something to drop. */
function largestOf(holders: readonly Holder[]): Holder | undefined {
  let largest: Holder | undefined;
  for (const holder of holders) {
    if (holder.messages.length > 0 && (largest === undefined || holder.bytes >= largest.bytes)) {
      largest = holder;
    }
  }
  return largest;
}

function holderOf(canister: CanisterState): Holder {
  const { canisterId, inputQueues, calls } = canister;
  const bestEffort = new Set(
    calls.callbacks.filter(({ deadlineNs }) => deadlineNs !== 0n).map(({ id }) => id),
  );
  const messages: Sheddable[] = [];
  for (const message of inputQueues.flatMap((queue) => queue.messages)) {
    if (message.kind === 'request' && message.deadlineNs !== 0n) {
      messages.push({ message, bytes: requestBytes(message) });
    }
    // What says that a response is missing takes no room worth having.
    if (message.kind === 'response' && message.payload.kind === 'reply') {
      if (bestEffort.has(message.callbackId)) {
        messages.push({ message, bytes: responseBytes(message) });
      }
    }
  }
  for (const { message } of outgoingMessages(canister.outputQueues)) {
    if (message.deadlineNs !== 0n) {
      messages.push({ message, bytes: messageBytes(message) });
    }
  }
  // Of equals the one that came last goes first.
  messages.sort((a, b) => a.bytes - b.bytes);
  return { canisterId, bytes: messageMemory(canister).bestEffortBytes, messages };
}

function dropMessages(
  round: RoundState,
  canisterId: CanisterId,
  dropped: ReadonlySet<CanisterMessage>,
): void {
  const { inputQueues, outputQueues } = round.canister(canisterId);
  round.update(canisterId, {
    outputQueues: partitionOutputs(outputQueues, ({ message }) => dropped.has(message)).kept,
    inputQueues: inputQueues
      .map((queue) => ({
        ...queue,
        messages: queue.messages.flatMap((message) =>
          dropped.has(message) ? remainsOf(message) : [message],
        ),
      }))
      .filter(({ messages }) => messages.length > 0),
  });
  for (const message of dropped) {
    const caller = message.kind === 'request' ? message.sender : message.originator;
    refundCycles(round, caller, cyclesOf(message));
  }
}

function remainsOf(message: CanisterMessage): readonly CanisterMessage[] {
  return message.kind === 'request' ? [] : [{ ...message, refund: 0n, payload: DROPPED }];
}
