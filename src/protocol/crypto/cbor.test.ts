import { fc, test } from '@fast-check/vitest';
import { decode as cborgDecode, encode as cborgEncode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import type { CborInput } from './cbor.ts';
import {
  asArray,
  asBytes,
  asMap,
  asNat,
  asSafeNat,
  asText,
  decodeCbor,
  encodeCbor,
} from './cbor.ts';

const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;
const codeOf = (text: string, limits = {}): string => {
  const result = decodeCbor(hex(text), limits);
  return result.ok ? 'ok' : result.error.code;
};

const value = fc.letrec<{ node: CborInput }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 1n << 53n, max: (1n << 64n) - 1n }),
    fc.uint8Array({ maxLength: 40 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.nat()), tie('node')), { maxLength: 5 })
      .map((e) => new Map(e)),
  ),
})).node;

/** Byte-string keys decode to text, so values with them do not encode back. */
function hasByteKey(item: CborInput): boolean {
  if (item instanceof Map) {
    return [...item].some(
      ([k, v]) => (typeof k === 'string' && k.startsWith("h'")) || hasByteKey(v as CborInput),
    );
  }
  return Array.isArray(item) && item.some(hasByteKey);
}

/** Whatever canonical decoding takes encodes back to the very same bytes: one value, one encoding. */
function expectUnique(bytes: Uint8Array): void {
  const result = decodeCbor(bytes, { canonical: true });
  if (result.ok && !hasByteKey(result.value)) {
    expect(bytesToHex(encodeCbor(result.value))).toBe(bytesToHex(bytes));
  }
}

describe('CBOR', () => {
  test.prop([value])('round trip, canonical and self-described', (input) => {
    const bytes = encodeCbor(input);
    expect(decodeCbor(bytes, { canonical: true })).toEqual({ ok: true, value: input });
    expect(decodeCbor(encodeCbor(input, { selfDescribed: true }))).toEqual({
      ok: true,
      value: input,
    });
  });

  test.prop([value])('another decoder and encoder agree', (input) => {
    const bytes = encodeCbor(input);
    expect(cborgDecode(bytes, { useMaps: true })).toEqual(input);
    expect(decodeCbor(cborgEncode(input))).toEqual({ ok: true, value: input });
  });

  test.prop([fc.uint8Array({ maxLength: 60 })], { numRuns: 2000 })(
    'never throws on arbitrary bytes',
    (bytes) => {
      expectUnique(bytes);
    },
  );

  test.prop([value, fc.nat(), fc.nat(255)])('never throws on damaged bytes', (input, at, byte) => {
    const bytes = encodeCbor(input);
    bytes[at % bytes.length] = byte;
    expectUnique(bytes);
  });

  it.each([
    ['8201', 'CBOR_TRUNCATED'],
    ['5affffffff', 'CBOR_TRUNCATED'],
    ['9bffffffffffffffff', 'CBOR_TRUNCATED'],
    ['bbffffffffffffffff', 'CBOR_TRUNCATED'],
    ['0000', 'CBOR_TRAILING_BYTES'],
    ['', 'CBOR_TRUNCATED'],
    ['a2616101616102', 'CBOR_DUPLICATE_KEY'],
    ['61ff', 'CBOR_INVALID_UTF8'],
    ['fb3ff0000000000000', 'CBOR_UNSUPPORTED'],
    ['f93c00', 'CBOR_UNSUPPORTED'],
    ['9f01ff', 'CBOR_UNSUPPORTED'],
    ['c249010000000000000000', 'CBOR_UNSUPPORTED'],
    ['81d9d9f701', 'CBOR_UNSUPPORTED'],
    ['d9d9f7d9d9f701', 'CBOR_UNSUPPORTED'],
    ['a18001', 'CBOR_UNSUPPORTED'],
  ])('%s → %s', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it.each(['1801', 'a2616201616101', 'd9d9f701', 'f7', '190018'])(
    'canonical decoding refuses %s',
    (text) => {
      expect(codeOf(text)).toBe('ok');
      expect(['CBOR_NOT_CANONICAL', 'CBOR_UNSUPPORTED']).toContain(
        codeOf(text, { canonical: true }),
      );
    },
  );

  it('bounds depth, items and size', () => {
    expect(codeOf(`${'81'.repeat(64)}00`)).toBe('ok');
    expect(codeOf(`${'81'.repeat(65)}00`)).toBe('CBOR_TOO_DEEP');
    expect(codeOf('81'.repeat(100_000))).toBe('CBOR_TOO_DEEP');
    expect(codeOf('8301020304', { maxBytes: 4 })).toBe('CBOR_TOO_LARGE');
    expect(codeOf('83010203', { maxItems: 3 })).toBe('CBOR_TOO_LARGE');
  });

  it('reads types', () => {
    const result = decodeCbor(
      encodeCbor({ a: 1, b: 'x', c: hex('ff'), d: [1n << 60n], e: undefined }),
    );
    const map = result.ok ? asMap(result.value) : undefined;
    expect(map?.size).toBe(4);
    expect([asNat(map?.get('a')), asSafeNat(map?.get('a')), asText(map?.get('b'))]).toEqual([
      1n,
      1,
      'x',
    ]);
    expect([asBytes(map?.get('c')), asNat(asArray(map?.get('d'))?.[0])]).toEqual([
      hex('ff'),
      1n << 60n,
    ]);
    expect([asBytes(map?.get('a')), asText(map?.get('zz')), asNat(-1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is deterministic whatever the order of fields', () => {
    expect(bytesToHex(encodeCbor({ bb: 1, a: 2, c: 3 }))).toBe('a3616102616303626262'.concat('01'));
    expect(encodeCbor({ c: 3, a: 2, bb: 1 })).toEqual(encodeCbor({ bb: 1, a: 2, c: 3 }));
  });
});
