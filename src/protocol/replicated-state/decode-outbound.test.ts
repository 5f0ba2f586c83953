import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import { stateWith } from '../state-manager/testing/filled-state.ts';
import type { SubnetId } from '../types/ids.ts';
import { decodeSystemState } from './decode-state.ts';
import { encodeSystemState } from './encode-state.ts';
import type { ReplicatedState } from './replicated-state.ts';
import type { Stream, StreamMessage } from './streams.ts';

const a = canisterIdFromU64(1n);
const b = canisterIdFromU64(2n);
const request = {
  kind: 'request' as const,
  sender: a,
  receiver: b,
  callbackId: 7,
  methodName: 'm',
  arg: Uint8Array.of(1),
  cycles: 1n << 90n,
  deadlineNs: 0n,
  callTree: { depth: 2, startTimeNs: 3n },
};
const response = {
  kind: 'response' as const,
  originator: b,
  respondent: a,
  callbackId: 8,
  refund: 5n,
  payload: { kind: 'reject' as const, code: 2, message: 'full' },
  deadlineNs: 9n,
};
const messages: readonly StreamMessage[] = [
  request,
  response,
  { kind: 'refund', recipient: b, cycles: 11n },
];
const stream: Stream = {
  begin: 40,
  messages,
  signalsEnd: 20,
  rejectSignals: [
    { reason: 'queueFull', index: 12 },
    { reason: 'canisterMigrating', index: 19 },
  ],
  responsesOnly: true,
};
const busy: ReplicatedState = {
  ...stateWith(5, []),
  streams: new Map([
    ['0a' as SubnetId, stream],
    ['0b' as SubnetId, { ...stream, messages: [], rejectSignals: [] }],
  ]),
  subnetOutputs: [{ receiver: b, messages: [{ message: response, expiresNs: 0n }] }],
  refunds: [
    [a, 1n],
    [b, 2n],
  ],
};

function decode(state: ReplicatedState): ReturnType<typeof decodeSystemState> {
  return decodeSystemState(encodeSystemState(state));
}

describe('the encoded streams of a subnet', () => {
  it('come back as they were', () => {
    expect(decode(busy)).toEqual({ ok: true, value: busy });
  });

  it.each([
    ['signals out of order', { ...stream, rejectSignals: [...stream.rejectSignals].reverse() }],
    ['signals not given yet', { ...stream, signalsEnd: 19 }],
  ])('are refused with %s', (_name, wrong) => {
    const state = { ...busy, streams: new Map([['0a' as SubnetId, wrong]]) };
    expect(decode(state)).toMatchObject({ ok: false, error: { code: 'MALFORMED_STATE' } });
  });

  it('are refused when a recipient of refunds is there twice', () => {
    const state: ReplicatedState = { ...busy, refunds: [...busy.refunds, [b, 3n]] };
    expect(decode(state)).toMatchObject({ ok: false, error: { code: 'MALFORMED_STATE' } });
  });

  const files = encodeSystemState(busy);
  test.prop([fc.nat(files.queues.length - 1), fc.nat(255)], { numRuns: 500 })(
    'never make the decoder throw',
    (at, byte) => {
      const queues = files.queues.slice();
      queues[at] = byte;
      const decoded = decodeSystemState({ ...files, queues });
      expect(decoded.ok || decoded.error.code === 'MALFORMED_STATE').toBe(true);
    },
  );
});
