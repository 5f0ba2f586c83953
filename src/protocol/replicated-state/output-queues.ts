import type { PrincipalId } from '../types/ids.ts';
import type { OutgoingMessage, OutputQueue } from './canister-messages.ts';

/**
 * What a canister, or the management canister, sent and nobody took yet: one queue for each
 * receiver. They take turns, one message a visit.
 * @upstream rs/replicated_state/src/canister_state/queues.rs#push_output_request
 */

/** Appends a message; a receiver nothing waited for goes to the end of the turn. */
export function pushOutput(
  queues: readonly OutputQueue[],
  receiver: PrincipalId,
  outgoing: OutgoingMessage,
): readonly OutputQueue[] {
  const at = queues.findIndex((queue) => queue.receiver === receiver);
  const known = queues[at];
  return known === undefined
    ? [...queues, { receiver, messages: [outgoing] }]
    : queues.with(at, { receiver, messages: [...known.messages, outgoing] });
}

/** All of them, receiver by receiver. */
export function outgoingMessages(queues: readonly OutputQueue[]): readonly OutgoingMessage[] {
  return queues.flatMap(({ messages }) => messages);
}

/** Parts what stays from what is taken out, in order. */
export function partitionOutputs(
  queues: readonly OutputQueue[],
  isTaken: (outgoing: OutgoingMessage) => boolean,
): { readonly kept: readonly OutputQueue[]; readonly taken: readonly OutgoingMessage[] } {
  const kept = queues.flatMap(({ receiver, messages }) => {
    const left = messages.filter((outgoing) => !isTaken(outgoing));
    return left.length === 0 ? [] : [{ receiver, messages: left }];
  });
  return { kept, taken: outgoingMessages(queues).filter(isTaken) };
}
