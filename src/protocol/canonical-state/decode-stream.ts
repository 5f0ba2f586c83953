import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { decodeCbor, type CborMap, type CborValue } from '../crypto/cbor.ts';
import { principalFromBytes } from '../crypto/principal.ts';
import { MAX_RESPONSE_PAYLOAD_BYTES } from '../limits/execution.ts';
import { MAX_STREAM_SIGNALS, NS_PER_SECOND } from '../limits/messaging.ts';
import type {
  CallTree,
  CanisterRequest,
  CanisterResponse,
  ResponsePayload,
} from '../replicated-state/canister-messages.ts';
import { bytes, list, Malformed, map, small, text } from '../replicated-state/decode-fields.ts';
import {
  REJECT_REASONS,
  type RefundMessage,
  type RejectSignal,
  type StreamHeader,
  type StreamMessage,
} from '../replicated-state/streams.ts';
import type { CanisterId, Cycles, PrincipalId, TimeNs } from '../types/ids.ts';
import { RESPONSES_ONLY_FLAG } from './encode-stream.ts';

/**
 * Reads leaves of another subnet's `/streams`, see `encode-stream.ts`. Strict: whatever decodes
 * encodes to the same bytes again, so a message has one encoding.
 */

export type StreamCodecError = CodedError<'MALFORMED_STREAM'>;

/** Principals, numbers and heads around a payload take less than this. */
const MESSAGE_OVERHEAD_BYTES = 1024;
const MAX_MESSAGE_BYTES = MAX_RESPONSE_PAYLOAD_BYTES + MESSAGE_OVERHEAD_BYTES;
const MAX_MESSAGE_ITEMS = 64;
/** Heads and numbers of nine bytes at most, and the rest of the header. */
const MAX_HEADER_BYTES = 9 * MAX_STREAM_SIGNALS + MESSAGE_OVERHEAD_BYTES;
const MAX_HEADER_ITEMS = MAX_STREAM_SIGNALS + MAX_MESSAGE_ITEMS;
const MAX_DEPTH = 6;
const MAX_U32 = 2 ** 32 - 1;
const LAST_REJECT_CODE = 6;

/** A packed record whose fields are among the first `count`. */
function record(value: CborValue | undefined, count: number): CborMap {
  const fields = map(value);
  for (const key of fields.keys()) {
    if (typeof key !== 'number' || key < 0 || key >= count) {
      throw new Malformed('known fields');
    }
  }
  return fields;
}

function u64(value: CborValue | undefined): bigint {
  if ((typeof value !== 'number' && typeof value !== 'bigint') || value < 0) {
    throw new Malformed('a natural number');
  }
  return BigInt(value);
}

function principal<T extends PrincipalId = PrincipalId>(value: CborValue | undefined): T {
  const id = principalFromBytes(bytes(value));
  if (id === undefined) {
    throw new Malformed('a principal');
  }
  return id as T;
}

function cycles(value: CborValue | undefined): Cycles {
  const fields = record(value, 2);
  const low = u64(fields.get(0));
  if (!fields.has(1)) {
    return low;
  }
  const high = u64(fields.get(1));
  if (high === 0n) {
    throw new Malformed('cycles in their shortest form');
  }
  return (high << 64n) + low;
}

function funds(value: CborValue | undefined): Cycles {
  return cycles(record(value, 1).get(0));
}

function deadline(value: CborValue | undefined): TimeNs {
  if (value === undefined) {
    return 0n;
  }
  const seconds = small(value);
  if (seconds === 0 || seconds > MAX_U32) {
    throw new Malformed('a deadline');
  }
  return BigInt(seconds) * NS_PER_SECOND;
}

function callTree(value: CborValue | undefined): CallTree {
  const fields = record(value, 2);
  return { depth: small(fields.get(0)), startTimeNs: u64(fields.get(1)) };
}

function request(value: CborValue | undefined): CanisterRequest {
  const fields = record(value, 9);
  if (fields.has(6)) {
    throw new Malformed('known fields');
  }
  return {
    kind: 'request',
    receiver: principal(fields.get(0)),
    sender: principal<CanisterId>(fields.get(1)),
    callbackId: small(fields.get(2)),
    cycles: funds(fields.get(3)),
    methodName: text(fields.get(4)),
    arg: bytes(fields.get(5)),
    callTree: callTree(fields.get(7)),
    deadlineNs: deadline(fields.get(8)),
  };
}

function payload(value: CborValue | undefined): ResponsePayload {
  const fields = record(value, 2);
  if (fields.size !== 1) {
    throw new Malformed('either data or a reject');
  }
  if (fields.has(0)) {
    return { kind: 'reply', data: bytes(fields.get(0)) };
  }
  const reject = record(fields.get(1), 2);
  const code = small(reject.get(0));
  if (code < 1 || code > LAST_REJECT_CODE) {
    throw new Malformed('a reject code');
  }
  return { kind: 'reject', code, message: text(reject.get(1)) };
}

function response(value: CborValue | undefined): CanisterResponse {
  const fields = record(value, 7);
  if (fields.has(5)) {
    throw new Malformed('known fields');
  }
  return {
    kind: 'response',
    originator: principal<CanisterId>(fields.get(0)),
    respondent: principal(fields.get(1)),
    callbackId: small(fields.get(2)),
    refund: funds(fields.get(3)),
    payload: payload(fields.get(4)),
    deadlineNs: deadline(fields.get(6)),
  };
}

function refund(value: CborValue | undefined): RefundMessage {
  const fields = record(value, 2);
  return { kind: 'refund', recipient: principal(fields.get(0)), cycles: cycles(fields.get(1)) };
}

function message(value: CborValue): StreamMessage {
  const fields = record(value, 3);
  if (fields.size !== 1) {
    throw new Malformed('one of request, response and refund');
  }
  if (fields.has(0)) {
    return request(fields.get(0));
  }
  return fields.has(1) ? response(fields.get(1)) : refund(fields.get(2));
}

/** Signals of all lists, ascending by index. */
function rejectSignals(value: CborValue | undefined, signalsEnd: number): readonly RejectSignal[] {
  if (value === undefined) {
    return [];
  }
  const lists = record(value, REJECT_REASONS.length);
  const signals: RejectSignal[] = [];
  REJECT_REASONS.forEach((reason, key) => {
    if (!lists.has(key)) {
      return;
    }
    const distances = list(lists.get(key)).map(small);
    let index = signalsEnd;
    for (const distance of distances.toReversed()) {
      if (distance === 0 || distance > index) {
        throw new Malformed('signals below their end');
      }
      index -= distance;
      signals.push({ reason, index });
    }
    if (distances.length === 0) {
      throw new Malformed('no empty lists');
    }
  });
  signals.sort((a, b) => a.index - b.index);
  if (signals.some(({ index }, at) => index === signals[at - 1]?.index) || signals.length === 0) {
    throw new Malformed('one reason for each signal');
  }
  return signals;
}

function header(value: CborValue): StreamHeader {
  const fields = record(value, 6);
  const begin = small(fields.get(0));
  const end = small(fields.get(1));
  const signalsEnd = small(fields.get(2));
  const flags = fields.get(4);
  if (begin > end || fields.has(3) || (flags !== undefined && flags !== RESPONSES_ONLY_FLAG)) {
    throw new Malformed('a stream header');
  }
  return {
    begin,
    end,
    signalsEnd,
    rejectSignals: rejectSignals(fields.get(5), signalsEnd),
    responsesOnly: flags !== undefined,
  };
}

function decode<T>(
  encoded: Uint8Array,
  limits: { readonly maxBytes: number; readonly maxItems: number },
  read: (value: CborValue) => T,
): Result<T, StreamCodecError> {
  const value = decodeCbor(encoded, { ...limits, maxDepth: MAX_DEPTH, canonical: true });
  if (!value.ok) {
    return err(codedError(value.error.kind, 'MALFORMED_STREAM', value.error.message));
  }
  try {
    return ok(read(value.value));
  } catch (failure) {
    if (failure instanceof Malformed) {
      return err(codedError('input', 'MALFORMED_STREAM', `Expected ${failure.what} in a stream.`));
    }
    throw failure;
  }
}

/** Errs with `MALFORMED_STREAM` on whatever `encodeStreamMessage` does not write, and above 2 MiB of payload. */
export function decodeStreamMessage(encoded: Uint8Array): Result<StreamMessage, StreamCodecError> {
  const limits = { maxBytes: MAX_MESSAGE_BYTES, maxItems: MAX_MESSAGE_ITEMS };
  return decode(encoded, limits, message);
}

/** Errs with `MALFORMED_STREAM` on whatever `encodeStreamHeader` does not write. */
export function decodeStreamHeader(encoded: Uint8Array): Result<StreamHeader, StreamCodecError> {
  const limits = { maxBytes: MAX_HEADER_BYTES, maxItems: MAX_HEADER_ITEMS };
  return decode(encoded, limits, header);
}
