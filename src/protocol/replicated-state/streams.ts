import type { Cycles, PrincipalId, SubnetId } from '../types/ids.ts';
import type { CanisterMessage, OutputQueue } from './canister-messages.ts';

/**
 * Streams: one for each other subnet, in the certified state. Indexes are positions since the
 * stream began and never start again.
 * @upstream rs/replicated_state/src/metadata_state.rs#Stream, rs/types/types/src/xnet.rs
 */

/** Cycles on their way back to a canister without a response (of a best-effort call). */
export interface RefundMessage {
  readonly kind: 'refund';
  readonly recipient: PrincipalId;
  readonly cycles: Cycles;
}

export type StreamMessage = CanisterMessage | RefundMessage;

/** That a message carries. */
export function cyclesOf(message: StreamMessage): Cycles {
  return message.kind === 'response' ? message.refund : message.cycles;
}

/** Why the receiving subnet took no request; in the order of the header's lists. */
export const REJECT_REASONS = [
  'canisterMigrating',
  'canisterNotFound',
  'canisterStopped',
  'canisterStopping',
  'queueFull',
  'outOfMemory',
  'unknown',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Says that the message at `index` of the reverse stream was not inducted. */
export interface RejectSignal {
  readonly reason: RejectReason;
  readonly index: number;
}

/** The part of a stream that is certified apart from its messages. */
export interface StreamHeader {
  /** Index of the oldest message kept. */
  readonly begin: number;
  /** Index behind the newest message. */
  readonly end: number;
  /** Index of the next message expected of the reverse stream: all before are signalled. */
  readonly signalsEnd: number;
  /** Ascending; any index below `signalsEnd` that is not here was accepted. */
  readonly rejectSignals: readonly RejectSignal[];
  readonly responsesOnly: boolean;
}

export interface Stream extends Omit<StreamHeader, 'end'> {
  /** From `begin` on. */
  readonly messages: readonly StreamMessage[];
}

export const EMPTY_STREAM: Stream = {
  begin: 0,
  messages: [],
  signalsEnd: 0,
  rejectSignals: [],
  responsesOnly: false,
};

/** Index behind the newest message. */
export function streamEnd({ begin, messages }: Stream): number {
  return begin + messages.length;
}

export function streamHeader(stream: Stream): StreamHeader {
  const { begin, signalsEnd, rejectSignals, responsesOnly } = stream;
  return { begin, end: streamEnd(stream), signalsEnd, rejectSignals, responsesOnly };
}

/** Ascending by subnet; the own subnet's is the loopback stream. */
export type Streams = ReadonlyMap<SubnetId, Stream>;

/** What a subnet keeps for others, canisters' own queues apart. */
export interface Outbound {
  readonly streams: Streams;
  /** Answers of the management canister, in order of their turn. */
  readonly subnetOutputs: readonly OutputQueue[];
  /** Cycles to send back to canisters of other subnets, ascending by id; one entry each. */
  readonly refunds: readonly (readonly [recipient: PrincipalId, cycles: Cycles])[];
}

export const NO_OUTBOUND: Outbound = { streams: new Map(), subnetOutputs: [], refunds: [] };

/** Part of another subnet's stream to us, as its certification shows it. */
export interface StreamSlice {
  readonly header: StreamHeader;
  /** Index of `messages[0]`; of no meaning without messages. */
  readonly messagesBegin: number;
  readonly messages: readonly StreamMessage[];
}
