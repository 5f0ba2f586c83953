import { MAX_STREAM_MESSAGES, MAX_SYSTEM_STREAM_MESSAGES } from '../limits/messaging.ts';
import { MAX_SIGNAL_AGE } from '../limits/xnet.ts';
import { subnetEntry } from '../registry/network-topology.ts';
import { streamEnd, type Stream, type StreamSlice } from '../replicated-state/streams.ts';
import type { SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { refusal, type XNetError } from './xnet-error.ts';

/** Of the own stream to a subnet: which of our messages it holds, and which of theirs were taken. */
export interface OwnIndexes {
  readonly begin: number;
  readonly end: number;
  readonly signalsEnd: number;
}

export const NO_STREAM: OwnIndexes = { begin: 0, end: 0, signalsEnd: 0 };

/** Indexes of the own stream to a subnet in a state. */
export function ownIndexes(stream: Stream | undefined): OwnIndexes {
  return stream === undefined
    ? NO_STREAM
    : {
        begin: stream.begin,
        end: streamEnd(stream),
        signalsEnd: stream.signalsEnd,
      };
}

/** Where the next slice of a subnet must go on: behind the state and the blocks above it. */
export interface ExpectedIndexes {
  readonly message: number;
  readonly signal: number;
}

/**
 * The next indexes after a state and the slices of the payloads above it, in their order. Slices that
 * the state knows already change nothing, so a later state than that of the first payload serves too.
 */
export function expectedIndexes(own: OwnIndexes, past: readonly StreamSlice[]): ExpectedIndexes {
  let message = own.signalsEnd;
  let signal = own.begin;
  for (const { header, messages, messagesBegin } of past) {
    message = messages.length === 0 ? message : Math.max(message, messagesBegin + messages.length);
    signal = Math.max(signal, header.signalsEnd);
  }
  return { message, signal };
}

/**
 * Messages that a system subnet takes of another one in a block; it leaves room for the responses
 * that its own stream holds. No limit elsewhere.
 * @upstream rs/xnet/payload_builder/src/lib.rs#get_msg_limit
 */
export function messageLimit(
  own: SubnetId,
  from: SubnetId,
  topology: NetworkTopology,
  { begin, end }: OwnIndexes,
): number {
  const isSystem = (id: SubnetId) => subnetEntry(topology, id)?.subnetType === 'system';
  if (!isSystem(own) || (own !== topology.rootSubnetId && isSystem(from))) {
    return Number.POSITIVE_INFINITY;
  }
  return Math.max(0, MAX_SYSTEM_STREAM_MESSAGES - (end - begin));
}

export interface SliceExpectation {
  readonly expected: ExpectedIndexes;
  readonly own: OwnIndexes;
  readonly messageLimit: number;
}

/** Whether a slice goes on where it must; null = it does. @upstream rs/xnet/payload_builder/src/lib.rs#validate_slice */
export function checkIndexes(
  slice: StreamSlice,
  { expected, own, messageLimit: limit }: SliceExpectation,
): XNetError | null {
  const { header, messages, messagesBegin } = slice;
  if (header.end < expected.message) {
    const known = `the stream ends at ${header.end}, but message ${expected.message} is next`;
    return refusal('XNET_STALE_SLICE', known);
  }
  const starts = messages.length === 0 ? header.begin : messagesBegin;
  if (messages.length === 0 ? starts > expected.message : starts !== expected.message) {
    const found = `message ${expected.message} is next, but the slice has ${starts}`;
    return refusal('XNET_MESSAGES_NOT_NEXT', found);
  }
  if (header.signalsEnd < expected.signal || header.signalsEnd > own.end) {
    const range = `${header.signalsEnd} is not in ${expected.signal}–${own.end}`;
    return refusal('XNET_SIGNALS_OUT_OF_RANGE', `the end of the signals, ${range}`);
  }
  if (messages.length === 0 && header.signalsEnd === expected.signal) {
    return refusal('XNET_EMPTY_SLICE', 'neither a message nor a signal is new');
  }
  if (messages.length > limit) {
    return refusal('XNET_TOO_MANY_MESSAGES', `${messages.length} messages; at most ${limit}`);
  }
  const oldest = header.rejectSignals[0]?.index ?? header.signalsEnd;
  if (header.signalsEnd - oldest > MAX_SIGNAL_AGE) {
    return refusal('XNET_TOO_MANY_SIGNALS', `a reject signal of message ${oldest}`);
  }
  const kept = expected.message + messages.length - header.begin;
  return kept > MAX_STREAM_MESSAGES
    ? refusal('XNET_TOO_MANY_SIGNALS', `${kept} signals would have to be kept`)
    : null;
}
