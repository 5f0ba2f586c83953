import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { decodeFetchMessage, encodeFetchMessage, type FetchMessage } from './fetch-message.ts';

const id = fc.nat({ max: 2 ** 48 - 1 });
const body = fc.uint8Array({ maxLength: 300 });
const message = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    id,
    request: fc.record({
      method: fc.constantFrom('GET', 'POST'),
      path: fc.string({ maxLength: 200, unit: 'binary' }).map((text) => `/api/v1/stream/${text}`),
      body,
    }),
  }),
  fc.record({
    kind: fc.constant('reply' as const),
    id,
    reply: fc.record({
      status: fc.nat({ max: 65_535 }),
      contentType: fc.constantFrom('', 'application/cbor', 'text/plain; charset=utf-8'),
      body,
    }),
  }),
  fc.record({ kind: fc.constant('done' as const), id }),
) as fc.Arbitrary<FetchMessage>;

describe('messages between subnets', () => {
  test.prop([message])('come out as they went in', (sent) => {
    const decoded = decodeFetchMessage(encodeFetchMessage(sent));
    expect(decoded.ok && decoded.value).toEqual(sent);
  });

  test.prop([message, fc.nat()])(
    'cut anywhere are refused or shorter, never thrown at',
    (sent, at) => {
      const whole = encodeFetchMessage(sent);
      const decoded = decodeFetchMessage(whole.subarray(0, at % whole.length));
      expect(decoded.ok ? decoded.value.kind : decoded.error.code).toMatch(
        /^(?:request|reply|MALFORMED_FETCH)$/u,
      );
    },
  );

  test.prop([fc.uint8Array({ maxLength: 64 })])('of random bytes do no harm', (bytes) => {
    const decoded = decodeFetchMessage(bytes);
    if (decoded.ok) {
      expect(encodeFetchMessage(decoded.value)).toEqual(bytes);
    } else {
      expect(decoded.error.code).toBe('MALFORMED_FETCH');
    }
  });

  test('with too large a body are refused by their size', () => {
    const request = { method: 'POST', path: '/', body: new Uint8Array(64 * 1024 + 1) };
    const asked = decodeFetchMessage(encodeFetchMessage({ kind: 'request', id: 1, request }));
    expect(!asked.ok && asked.error.code).toBe('FETCH_TOO_LARGE');
    const reply = { status: 200, contentType: '', body: new Uint8Array(6 * 1024 * 1024 + 1) };
    const answered = decodeFetchMessage(encodeFetchMessage({ kind: 'reply', id: 1, reply }));
    expect(!answered.ok && answered.error.code).toBe('FETCH_TOO_LARGE');
  });
});
