import { utf8Length } from '../../base/utf8.ts';
import { MAX_RESPONSE_PAYLOAD_BYTES } from '../limits/execution.ts';
import type {
  CallContextManager,
  CanisterMessage,
  CanisterRequest,
} from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { openMessages } from '../replicated-state/input-queues.ts';

/**
 * Memory of a canister's messages. A guaranteed response takes room from the moment the call is
 * made, on both sides: the largest response may come. Best-effort messages take what they are.
 * @upstream rs/replicated_state/src/canister_state/queues/message_pool.rs, queues.rs#guaranteed_response_memory_usage
 */
export interface MessageMemory {
  readonly guaranteedBytes: number;
  readonly bestEffortBytes: number;
}

/** Bytes that a request counts with. */
export function requestBytes({
  methodName,
  arg,
}: Pick<CanisterRequest, 'methodName' | 'arg'>): number {
  return utf8Length(methodName) + arg.length;
}

/** Room that making a call takes: for the largest response, or for a request that is larger. */
export function guaranteedCallBytes(payloadBytes: number): number {
  return Math.max(payloadBytes, MAX_RESPONSE_PAYLOAD_BYTES);
}

/** What `messageMemory` follows from, as it was when it was counted last. */
interface Counted extends Pick<CanisterState, 'outputQueues' | 'inputQueues' | 'longExecution'> {
  readonly memory: MessageMemory;
}

/** By the canister's calls: it is asked several times about one state, whose queues may be long. */
const counted = new WeakMap<CallContextManager, Counted>();

export function messageMemory(canister: CanisterState): MessageMemory {
  const { calls, outputQueues, inputQueues, longExecution } = canister;
  const known = counted.get(calls);
  if (
    known?.outputQueues === outputQueues &&
    known.inputQueues === inputQueues &&
    known.longExecution === longExecution
  ) {
    return known.memory;
  }
  const memory = countMemory(canister);
  counted.set(calls, { outputQueues, inputQueues, longExecution, memory });
  return memory;
}

function countMemory(canister: CanisterState): MessageMemory {
  const { calls } = canister;
  let guaranteedBytes = 0;
  let bestEffortBytes = 0;
  for (const { messages } of canister.outputQueues) {
    for (const { message } of messages) {
      if (message.deadlineNs !== 0n) {
        bestEffortBytes += messageBytes(message);
      } else {
        // The room for the response to a request is the callback's.
        const roomOfCallback = message.kind === 'request' ? MAX_RESPONSE_PAYLOAD_BYTES : 0;
        guaranteedBytes += Math.max(messageBytes(message) - roomOfCallback, 0);
      }
    }
  }
  const responses = new Map<number, number>();
  for (const message of openMessages(canister)) {
    if (message.kind === 'response') {
      responses.set(message.callbackId, responseBytes(message));
    } else if (message.deadlineNs === 0n) {
      guaranteedBytes += guaranteedCallBytes(requestBytes(message));
    } else {
      bestEffortBytes += requestBytes(message);
    }
  }
  for (const { id, deadlineNs } of calls.callbacks) {
    const waiting = responses.get(id);
    if (deadlineNs === 0n) {
      guaranteedBytes += waiting ?? MAX_RESPONSE_PAYLOAD_BYTES;
    } else {
      bestEffortBytes += waiting ?? 0;
    }
  }
  for (const { origin, responded } of calls.contexts) {
    if (origin.kind === 'canister' && !responded && origin.request.deadlineNs === 0n) {
      guaranteedBytes += MAX_RESPONSE_PAYLOAD_BYTES;
    }
  }
  return { guaranteedBytes, bestEffortBytes };
}

/** Of the payload. */
export function messageBytes(message: CanisterMessage): number {
  return message.kind === 'request' ? requestBytes(message) : responseBytes(message);
}

export function responseBytes({ payload }: Extract<CanisterMessage, { kind: 'response' }>): number {
  return payload.kind === 'reply' ? payload.data.length : utf8Length(payload.message);
}

export function totalMessageBytes(canister: CanisterState): bigint {
  const { guaranteedBytes, bestEffortBytes } = messageMemory(canister);
  return BigInt(guaranteedBytes + bestEffortBytes);
}
