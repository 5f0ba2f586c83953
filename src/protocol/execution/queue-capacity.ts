import { QUEUE_CAPACITY } from '../limits/messaging.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import type { PrincipalId } from '../types/ids.ts';

/**
 * Whether a canister's queues with another have room for one more request: a request takes a slot of
 * the input queue, and keeps one of the output queue for its response, until that is on its way.
 * @upstream rs/replicated_state/src/canister_state/queues.rs#push_input
 */
export function hasRoomForRequest(canister: CanisterState, sender: PrincipalId): boolean {
  const { inputQueues, outputQueues, calls } = canister;
  const input = inputQueues.find((queue) => queue.sender === sender)?.messages ?? [];
  const output = outputQueues.find(({ receiver }) => receiver === sender)?.messages ?? [];
  if (input.length + output.length + calls.contexts.length < QUEUE_CAPACITY) {
    return true;
  }
  const requests = input.filter(({ kind }) => kind === 'request').length;
  const responses = output.filter(({ message }) => message.kind === 'response').length;
  const open = calls.contexts.filter(
    ({ origin, responded }) =>
      !responded && origin.kind === 'canister' && origin.request.sender === sender,
  ).length;
  return requests + responses + open < QUEUE_CAPACITY;
}
