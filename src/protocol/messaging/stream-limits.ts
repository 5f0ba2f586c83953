import { messageBytes } from '../execution/message-memory.ts';
import {
  MAX_STREAM_MESSAGES,
  MAX_SYSTEM_STREAM_MESSAGES,
  TARGET_STREAM_BYTES,
} from '../limits/messaging.ts';
import type { StreamMessage } from '../replicated-state/streams.ts';
import type { SubnetType } from '../types/genesis.ts';
import type { StreamDraft } from './stream-drafts.ts';

/** Ids, numbers and heads of a message, at most, in whose place the IC counts the size of its records. */
const MESSAGE_OVERHEAD_BYTES = 128;

/** What a message counts with against a stream's size. */
export function streamMessageBytes(message: StreamMessage): number {
  return MESSAGE_OVERHEAD_BYTES + (message.kind === 'refund' ? 0 : messageBytes(message));
}

/** The stream takes no more messages of canisters; they wait in output queues. Never so for the loopback stream. */
export function isStreamFull(stream: StreamDraft, destination: SubnetType): boolean {
  const { length } = stream.messages;
  if (length >= MAX_STREAM_MESSAGES || stream.bytes >= TARGET_STREAM_BYTES) {
    return true;
  }
  if (destination !== 'system' || length < 2 * MAX_SYSTEM_STREAM_MESSAGES) {
    return false;
  }
  const refunds = stream.messages.filter(({ kind }) => kind === 'refund').length;
  return length - refunds >= 2 * MAX_SYSTEM_STREAM_MESSAGES;
}

/** Refunds go first, but leave half of the stream to messages of canisters. */
export function takesRefunds(stream: StreamDraft): boolean {
  return stream.messages.length < MAX_STREAM_MESSAGES / 2 && stream.bytes < TARGET_STREAM_BYTES;
}
