import { encodeCbor, type CborInput } from '../crypto/cbor.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { NS_PER_SECOND } from '../limits/messaging.ts';
import type {
  CallTree,
  CanisterRequest,
  CanisterResponse,
  ResponsePayload,
} from '../replicated-state/canister-messages.ts';
import {
  REJECT_REASONS,
  type RefundMessage,
  type StreamHeader,
  type StreamMessage,
} from '../replicated-state/streams.ts';
import type { Cycles, TimeNs } from '../types/ids.ts';

/**
 * Leaves of the certified tree under `/streams`: canonical CBOR, records packed (fields are the keys
 * 0, 1, 2 … and absent ones are left out). Read back by `decode-stream.ts`.
 * @upstream rs/canonical_state/src/encoding/types.rs (certification version 22)
 */

/** A packed record: the position of a field is its key. */
function packed(...fields: readonly (CborInput | undefined)[]): CborInput {
  return new Map(fields.map((value, key) => [key, value]));
}

export const RESPONSES_ONLY_FLAG = 1;
const U64_MASK = (1n << 64n) - 1n;

function cycles(amount: Cycles): CborInput {
  const high = amount >> 64n;
  return packed(amount & U64_MASK, high === 0n ? undefined : high);
}

function funds(amount: Cycles): CborInput {
  return packed(cycles(amount));
}

/** In whole seconds; no deadline is left out. */
function deadline(deadlineNs: TimeNs): CborInput | undefined {
  return deadlineNs === 0n ? undefined : deadlineNs / NS_PER_SECOND;
}

function callTree({ depth, startTimeNs }: CallTree): CborInput {
  return packed(depth, startTimeNs);
}

function request(value: CanisterRequest): CborInput {
  return packed(
    principalToBytes(value.receiver),
    principalToBytes(value.sender),
    value.callbackId,
    funds(value.cycles),
    value.methodName,
    value.arg,
    undefined,
    callTree(value.callTree),
    deadline(value.deadlineNs),
  );
}

function payload(value: ResponsePayload): CborInput {
  return value.kind === 'reply'
    ? packed(value.data)
    : packed(undefined, packed(value.code, value.message));
}

function response(value: CanisterResponse): CborInput {
  return packed(
    principalToBytes(value.originator),
    principalToBytes(value.respondent),
    value.callbackId,
    funds(value.refund),
    payload(value.payload),
    undefined,
    deadline(value.deadlineNs),
  );
}

function refund(value: RefundMessage): CborInput {
  return packed(principalToBytes(value.recipient), cycles(value.cycles));
}

/** The leaf `/streams/<subnet>/messages/<index>`. */
export function encodeStreamMessage(message: StreamMessage): Uint8Array {
  switch (message.kind) {
    case 'request':
      return encodeCbor(packed(request(message)));
    case 'response':
      return encodeCbor(packed(undefined, response(message)));
    case 'refund':
      return encodeCbor(packed(undefined, undefined, refund(message)));
  }
}

/** One list for each reason: the distance of each signal to the next of its list, of the last to `signalsEnd`. */
function rejectSignals({ rejectSignals: signals, signalsEnd }: StreamHeader): CborInput {
  const lists = REJECT_REASONS.map((reason) => {
    const indexes = signals.filter((signal) => signal.reason === reason).map(({ index }) => index);
    return indexes.length === 0
      ? undefined
      : indexes.map((index, at) => (indexes[at + 1] ?? signalsEnd) - index);
  });
  return packed(...lists);
}

/** The leaf `/streams/<subnet>/header`. */
export function encodeStreamHeader(header: StreamHeader): Uint8Array {
  return encodeCbor(
    packed(
      header.begin,
      header.end,
      header.signalsEnd,
      undefined,
      header.responsesOnly ? RESPONSES_ONLY_FLAG : undefined,
      header.rejectSignals.length === 0 ? undefined : rejectSignals(header),
    ),
  );
}
