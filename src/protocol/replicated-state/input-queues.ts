import { present } from '../../base/assert.ts';
import type { PrincipalId } from '../types/ids.ts';
import type { CanisterMessage, InputQueue } from './canister-messages.ts';
import {
  INPUT_SOURCES,
  type CanisterState,
  type IngressMessage,
  type InputSource,
} from './canister-state.ts';

/**
 * The input of a canister: its users' calls and one queue for each canister it hears from. Users,
 * canisters of other subnets and canisters of this one take turns, and so do senders, one message a visit.
 * Whether there is room for a request is `queue-capacity.ts`'s to say; a response's was kept when the call was made.
 * @upstream rs/replicated_state/src/canister_state/queues.rs#pop_input
 */

/** Appends a message; a sender that was not waiting goes to the end of the turn. */
export function pushInput(
  canister: CanisterState,
  sender: PrincipalId,
  message: CanisterMessage,
  isRemote = false,
): CanisterState {
  const at = canister.inputQueues.findIndex((queue) => queue.sender === sender);
  const known = canister.inputQueues[at];
  const inputQueues: readonly InputQueue[] =
    known === undefined
      ? [...canister.inputQueues, { sender, isRemote, messages: [message] }]
      : canister.inputQueues.with(at, { ...known, messages: [...known.messages, message] });
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
  const first = INPUT_SOURCES.indexOf(canister.nextInput);
  for (let turn = 0; turn < INPUT_SOURCES.length; turn += 1) {
    const source = sourceAt(first + turn);
    const popped = source === 'ingress' ? popIngress(canister) : popCanister(canister, source);
    if (popped !== undefined) {
      const nextInput = sourceAt(first + turn + 1);
      return { message: popped.message, canister: { ...popped.canister, nextInput } };
    }
  }
  return undefined;
}

function sourceAt(turn: number): InputSource {
  return present(INPUT_SOURCES[turn % INPUT_SOURCES.length], 'sources take turns without end');
}

function popIngress(canister: CanisterState): PoppedInput | undefined {
  const [message, ...ingressQueue] = canister.ingressQueue;
  return message === undefined ? undefined : { message, canister: { ...canister, ingressQueue } };
}

function popCanister(
  canister: CanisterState,
  source: Exclude<InputSource, 'ingress'>,
): PoppedInput | undefined {
  const isRemote = source === 'remote';
  const queue = canister.inputQueues.find((candidate) => candidate.isRemote === isRemote);
  const [message, ...messages] = queue?.messages ?? [];
  if (queue === undefined || message === undefined) {
    return undefined;
  }
  const waiting = canister.inputQueues.filter((other) => other !== queue);
  const inputQueues = messages.length === 0 ? waiting : [...waiting, { ...queue, messages }];
  return { message, canister: { ...canister, inputQueues } };
}

/** Messages of canisters that are not dealt with yet, the one at which the canister is included. */
export function openMessages({
  inputQueues,
  longExecution,
}: CanisterState): readonly CanisterMessage[] {
  const [only] = inputQueues;
  const waiting =
    inputQueues.length === 1 && only !== undefined
      ? only.messages
      : inputQueues.flatMap(({ messages }) => messages);
  const input = longExecution?.input;
  const isCanisters = input !== undefined && input.kind !== 'task' && 'callbackId' in input.message;
  return isCanisters ? [...waiting, input.message as CanisterMessage] : waiting;
}
