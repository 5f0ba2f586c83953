import type { CborMap, CborValue } from '../crypto/cbor.ts';
import { compareText } from '../../base/bytes.ts';
import type { PrincipalId, SubnetId } from '../types/ids.ts';
import { big, flag, list, Malformed, small, text } from './decode-fields.ts';
import { canisterMessageFrom, outputQueueFrom } from './decode-messages.ts';
import {
  REJECT_REASONS,
  type Outbound,
  type RejectReason,
  type RejectSignal,
  type Stream,
  type StreamMessage,
} from './streams.ts';

/** Reads back streams and what waits for them; see `encode-state.ts`. Everything here throws `Malformed`. */

function streamMessageFrom(value: CborValue): StreamMessage {
  const [kind, recipient, cycles] = list(value);
  return text(kind) === 'refund'
    ? { kind: 'refund', recipient: text<PrincipalId>(recipient), cycles: big(cycles) }
    : canisterMessageFrom(value);
}

function isReason(reason: string): reason is RejectReason {
  return (REJECT_REASONS as readonly string[]).includes(reason);
}

function signalFrom(value: CborValue): RejectSignal {
  const [reason, index] = list(value);
  const name = text(reason);
  if (!isReason(name)) {
    throw new Malformed('a reason to reject');
  }
  return { reason: name, index: small(index) };
}

function isAscending<T>(items: readonly T[], compare: (a: T, b: T) => number): boolean {
  return items.every((item, at) => {
    const before = items[at - 1];
    return before === undefined || compare(before, item) < 0;
  });
}

function streamFrom(value: CborValue): readonly [SubnetId, Stream] {
  const [subnetId, begin, messages, signalsEnd, signals, responsesOnly] = list(value);
  const stream: Stream = {
    begin: small(begin),
    messages: list(messages).map(streamMessageFrom),
    signalsEnd: small(signalsEnd),
    rejectSignals: list(signals).map(signalFrom),
    responsesOnly: flag(responsesOnly),
  };
  const last = stream.rejectSignals.at(-1);
  if (
    !isAscending(stream.rejectSignals, (a, b) => a.index - b.index) ||
    (last !== undefined && last.index >= stream.signalsEnd)
  ) {
    throw new Malformed('ascending signals');
  }
  return [text<SubnetId>(subnetId), stream];
}

export function outboundFrom(fields: CborMap): Outbound {
  const streams = list(fields.get('streams')).map(streamFrom);
  const refunds = list(fields.get('refunds')).map((item) => {
    const [recipient, cycles] = list(item);
    return [text<PrincipalId>(recipient), big(cycles)] as const;
  });
  if (
    !isAscending(streams, ([a], [b]) => compareText(a, b)) ||
    !isAscending(refunds, ([a], [b]) => compareText(a, b))
  ) {
    throw new Malformed('each subnet and recipient once');
  }
  return {
    streams: new Map(streams),
    subnetOutputs: list(fields.get('subnetOutputs')).map(outputQueueFrom),
    refunds,
  };
}
