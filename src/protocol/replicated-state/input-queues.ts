import type { PrincipalId } from '../types/ids.ts';
import type { CanisterMessage, InputQueue } from './canister-messages.ts';
import type { CanisterState, IngressMessage } from './canister-state.ts';

/**
 * The input of a canister: its users' calls and one queue for each canister it hears from. Sources
 * take turns, and so do senders, one message a visit.
 * Capacity needs no check here: a request's response and the queues it passes were reserved when it
 * was made (calls open to one receiver are at most the capacity of a queue).
 * @upstream rs/replicated_state/src/canister_state/queues.rs#pop_input
 */

/** Appends a message; a sender that was not waiting goes to the end of the turn. */
export function pushInput(
  canister: CanisterState,
  sender: PrincipalId,
  message: CanisterMessage,
): CanisterState {
  const at = canister.inputQueues.findIndex((queue) => queue.sender === sender);
  const known = canister.inputQueues[at];
  const inputQueues: readonly InputQueue[] =
    known === undefined
      ? [...canister.inputQueues, { sender, messages: [message] }]
      : canister.inputQueues.with(at, { sender, messages: [...known.messages, message] });
  return { ...canister, inputQueues };
}

export function hasInput(canister: CanisterState): boolean {
  return canister.ingressQueue.length > 0 || canister.inputQueues.length > 0;
}

export interface PoppedInput {
  readonly canister: CanisterState;
  readonly message: IngressMessage | CanisterMessage;
}

/** Takes the next message, if there is one. */
export function popInput(canister: CanisterState): PoppedInput | undefined {
  const canistersFirst = canister.nextInput === 'canisters';
  return canistersFirst
    ? (popCanister(canister) ?? popIngress(canister))
    : (popIngress(canister) ?? popCanister(canister));
}

function popIngress(canister: CanisterState): PoppedInput | undefined {
  const [message, ...ingressQueue] = canister.ingressQueue;
  return message === undefined
    ? undefined
    : { message, canister: { ...canister, ingressQueue, nextInput: 'canisters' } };
}

function popCanister(canister: CanisterState): PoppedInput | undefined {
  const [queue, ...waiting] = canister.inputQueues;
  const [message, ...messages] = queue?.messages ?? [];
  if (queue === undefined || message === undefined) {
    return undefined;
  }
  const inputQueues =
    messages.length === 0 ? waiting : [...waiting, { sender: queue.sender, messages }];
  return { message, canister: { ...canister, inputQueues, nextInput: 'ingress' } };
}

/** Messages of canisters that are not dealt with yet, the one at which the canister is included. */
export function openMessages({
  inputQueues,
  longExecution,
}: CanisterState): readonly CanisterMessage[] {
  const waiting = inputQueues.flatMap(({ messages }) => messages);
  const input = longExecution?.input;
  const isCanisters = input !== undefined && input.kind !== 'task' && 'callbackId' in input.message;
  return isCanisters ? [...waiting, input.message as CanisterMessage] : waiting;
}
