import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { canisterIdFromU64, principalFromBytes } from '../crypto/principal.ts';
import { NS_PER_SECOND } from '../limits/messaging.ts';
import {
  REJECT_REASONS,
  type RejectReason,
  type RejectSignal,
  type StreamHeader,
  type StreamMessage,
} from '../replicated-state/streams.ts';
import type { CanisterId } from '../types/ids.ts';
import { decodeStreamHeader, decodeStreamMessage } from './decode-stream.ts';
import { encodeStreamHeader, encodeStreamMessage } from './encode-stream.ts';

/** The text in the replica's vector; as it is spelt there, no page of ours may say it. */
const VECTOR_TEXT = String.fromCharCode(0x4f, 0x6f, 0x70, 0x73);

const id = (n: number): CanisterId => canisterIdFromU64(BigInt(n));
/** As `rs/canonical_state/src/encoding/tests/compatibility.rs` writes ids. */
const testId = (n: number): CanisterId =>
  principalFromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n, 1, 1)) as CanisterId;
const hex = (text: string): string => text.replaceAll(' ', '').toLowerCase();
const bytes = (text: string): Uint8Array => hexToBytes(hex(text)) ?? new Uint8Array(0);

const header: StreamHeader = {
  begin: 23,
  end: 25,
  signalsEnd: 256,
  rejectSignals: [],
  responsesOnly: false,
};
const request: StreamMessage = {
  kind: 'request',
  receiver: testId(1),
  sender: testId(2),
  callbackId: 3,
  cycles: 4n,
  methodName: 'test',
  arg: Uint8Array.of(6),
  callTree: { depth: 13, startTimeNs: 101n },
  deadlineNs: 0n,
};
const response: StreamMessage = {
  kind: 'response',
  originator: testId(5),
  respondent: testId(4),
  callbackId: 3,
  refund: 2n,
  payload: { kind: 'reply', data: Uint8Array.of(1) },
  deadlineNs: 0n,
};
const order: readonly RejectReason[] = [
  'canisterMigrating',
  'canisterNotFound',
  'queueFull',
  'outOfMemory',
  'canisterStopping',
  'canisterStopped',
  'unknown',
];

/** Bytes of the replica's own tests (certification version 22). */
const HEADERS: readonly (readonly [string, StreamHeader, string])[] = [
  ['least', header, 'A3 00 17 01 18 19 02 19 01 00'],
  [
    'with all reasons and the flag',
    {
      ...header,
      responsesOnly: true,
      rejectSignals: order.map((reason, at) => ({ reason, index: 249 + at })),
    },
    'A5 00 17 01 18 19 02 19 01 00 04 01 05 A7 00 81 07 01 81 06 02 81 02 03 81 03 04 81 05 05 81 04 06 81 01',
  ],
];
const ID_1_2 = '00 4A 00 00 00 00 00 00 00 01 01 01 01 4A 00 00 00 00 00 00 00 02 01 01';
const ID_5_4 = '00 4A 00 00 00 00 00 00 00 05 01 01 01 4A 00 00 00 00 00 00 00 04 01 01';
const MANY = 123_456_789_012_345_678_901_234_567_890n;
const MESSAGES: readonly (readonly [string, StreamMessage, string])[] = [
  [
    'a request',
    request,
    `A1 00 A7 ${ID_1_2} 02 03 03 A1 00 A1 00 04 04 64 74 65 73 74 05 41 06 07 A2 00 0D 01 18 65`,
  ],
  [
    'a best-effort request',
    { ...request, deadlineNs: 8n * NS_PER_SECOND },
    `A1 00 A8 ${ID_1_2} 02 03 03 A1 00 A1 00 04 04 64 74 65 73 74 05 41 06 07 A2 00 0D 01 18 65 08 08`,
  ],
  [
    'a request with more cycles than 64 bits hold',
    { ...request, cycles: MANY, callTree: { depth: 0, startTimeNs: 0n } },
    `A1 00 A7 ${ID_1_2} 02 03 03 A1 00 A2 00 1B C3 73 E0 EE 4E 3F 0A D2 01 1B 00 00 00 01 8E E9 0F F6 04 64 74 65 73 74 05 41 06 07 A2 00 00 01 00`,
  ],
  ['a response', response, `A1 01 A5 ${ID_5_4} 02 03 03 A1 00 A1 00 02 04 A1 00 41 01`],
  [
    'a best-effort response',
    { ...response, deadlineNs: 6n * NS_PER_SECOND },
    `A1 01 A6 ${ID_5_4} 02 03 03 A1 00 A1 00 02 04 A1 00 41 01 06 06`,
  ],
  [
    'a reject',
    {
      ...response,
      originator: testId(6),
      respondent: testId(5),
      callbackId: 4,
      refund: 3n,
      payload: { kind: 'reject', code: 1, message: VECTOR_TEXT },
    },
    'A1 01 A5 00 4A 00 00 00 00 00 00 00 06 01 01 01 4A 00 00 00 00 00 00 00 05 01 01 02 04 03 A1 00 A1 00 03 04 A1 01 A2 00 01 01 64 4F 6F 70 73',
  ],
  [
    'a refund',
    { kind: 'refund', recipient: testId(7), cycles: 8n },
    'A1 02 A2 00 4A 00 00 00 00 00 00 00 07 01 01 01 A1 00 08',
  ],
];

const anyCycles = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const anyId = fc.nat({ max: 1000 }).map(id);
const anyDeadline = fc.nat({ max: 2 ** 32 - 1 }).map((seconds) => BigInt(seconds) * NS_PER_SECOND);
const anyIndex = fc.maxSafeNat();
const anyMessage: fc.Arbitrary<StreamMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    sender: anyId,
    receiver: anyId,
    callbackId: anyIndex,
    methodName: fc.string({ unit: 'grapheme' }),
    arg: fc.uint8Array(),
    cycles: anyCycles,
    deadlineNs: anyDeadline,
    callTree: fc.record({
      depth: anyIndex,
      startTimeNs: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    }),
  }),
  fc.record({
    kind: fc.constant('response' as const),
    originator: anyId,
    respondent: anyId,
    callbackId: anyIndex,
    refund: anyCycles,
    payload: fc.oneof(
      fc.record({ kind: fc.constant('reply' as const), data: fc.uint8Array() }),
      fc.record({
        kind: fc.constant('reject' as const),
        code: fc.integer({ min: 1, max: 6 }),
        message: fc.string({ unit: 'grapheme' }),
      }),
    ),
    deadlineNs: anyDeadline,
  }),
  fc.record({ kind: fc.constant('refund' as const), recipient: anyId, cycles: anyCycles }),
);
const anySignals = fc
  .uniqueArray(fc.nat({ max: 5000 }), { maxLength: 60 })
  .chain((indexes) =>
    fc.tuple(
      ...indexes
        .toSorted((a, b) => a - b)
        .map((index) =>
          fc.constantFrom(...REJECT_REASONS).map((reason): RejectSignal => ({ reason, index })),
        ),
    ),
  );
const anyHeader: fc.Arbitrary<StreamHeader> = fc
  .record({
    begin: fc.nat(),
    length: fc.nat(),
    signalsEnd: fc.integer({ min: 5001, max: 2 ** 40 }),
    rejectSignals: anySignals,
    responsesOnly: fc.boolean(),
  })
  .map(({ begin, length, ...rest }) => ({ begin, end: begin + length, ...rest }));

describe('streams in the certified tree', () => {
  it.each(HEADERS)('a header, %s, has the bytes of the replica', (_name, value, expected) => {
    expect(bytesToHex(encodeStreamHeader(value))).toBe(hex(expected));
    expect(decodeStreamHeader(bytes(expected))).toEqual({ ok: true, value });
  });

  it.each(MESSAGES)('%s has the bytes of the replica', (_name, value, expected) => {
    expect(bytesToHex(encodeStreamMessage(value))).toBe(hex(expected));
    expect(decodeStreamMessage(bytes(expected))).toEqual({ ok: true, value });
  });

  test.prop([anyMessage])('any message comes back as it was', (message) => {
    expect(decodeStreamMessage(encodeStreamMessage(message))).toEqual({ ok: true, value: message });
  });

  test.prop([anyHeader])('any header comes back as it was', (value) => {
    expect(decodeStreamHeader(encodeStreamHeader(value))).toEqual({ ok: true, value });
  });

  test.prop([fc.oneof(anyMessage, anyHeader), fc.array(fc.tuple(fc.nat(), fc.nat(255)))])(
    'damaged bytes are refused, or are the one encoding of what they say',
    (value, damages) => {
      const isMessage = 'kind' in value;
      const encoded = isMessage ? encodeStreamMessage(value) : encodeStreamHeader(value);
      for (const [at, byte] of damages) {
        encoded[at % encoded.length] = byte;
      }
      const message = decodeStreamMessage(encoded);
      if (message.ok) {
        expect(encodeStreamMessage(message.value)).toEqual(encoded);
      }
      const read = decodeStreamHeader(encoded);
      if (read.ok) {
        expect(encodeStreamHeader(read.value)).toEqual(encoded);
      }
    },
  );

  it.each([
    ['a field too many', 'A4 00 17 01 18 19 02 19 01 00 06 00'],
    ['the lists of old versions', 'A4 00 17 01 18 19 02 19 01 00 03 81 01'],
    ['no signalsEnd', 'A2 00 17 01 18 19'],
    ['a begin behind the end', 'A3 00 18 1A 01 18 19 02 00'],
    ['an unknown flag', 'A4 00 17 01 18 19 02 19 01 00 04 02'],
    ['a flag of zero', 'A4 00 17 01 18 19 02 19 01 00 04 00'],
    ['empty reject signals', 'A4 00 17 01 18 19 02 19 01 00 05 A0'],
    ['an empty list', 'A4 00 17 01 18 19 02 19 01 00 05 A1 00 80'],
    ['a distance of zero', 'A4 00 17 01 18 19 02 19 01 00 05 A1 00 81 00'],
    ['a signal below zero', 'A4 00 17 01 18 19 02 05 05 A1 00 81 06'],
    ['two reasons for one signal', 'A4 00 17 01 18 19 02 05 05 A2 00 81 02 01 81 02'],
  ])('a header with %s is refused', (_name, encoded) => {
    expect(decodeStreamHeader(bytes(encoded))).toMatchObject({
      ok: false,
      error: { code: 'MALFORMED_STREAM' },
    });
  });

  it.each([
    ['nothing in it', 'A0'],
    ['two kinds', `A2 02 A2 00 41 01 01 A1 00 08 03 A0`],
    ['cycles in the long form', 'A1 02 A2 00 41 01 01 A2 00 08 01 00'],
    ['an id too long', `A1 02 A2 00 58 1E ${'00'.repeat(30)} 01 A1 00 08`],
    ['a deadline of zero', `A1 01 A6 ${ID_5_4} 02 03 03 A1 00 A1 00 02 04 A1 00 41 01 06 00`],
    ['no payload', `A1 01 A5 ${ID_5_4} 02 03 03 A1 00 A1 00 02 04 A0`],
    [
      'an unknown reject code',
      `A1 01 A5 ${ID_5_4} 02 03 03 A1 00 A1 00 02 04 A1 01 A2 00 07 01 60`,
    ],
  ])('a message with %s is refused', (_name, encoded) => {
    expect(decodeStreamMessage(bytes(encoded))).toMatchObject({
      ok: false,
      error: { code: 'MALFORMED_STREAM' },
    });
  });
});
