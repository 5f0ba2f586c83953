import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { decodeUtf8Lossy, encodeUtf8, utf8Length } from './utf8.ts';

describe('utf8Length', () => {
  test.prop([fc.string({ unit: 'binary' })], { seed: 72, numRuns: 500 })(
    'is the number of bytes',
    (text) => {
      expect(utf8Length(text)).toBe(encodeUtf8(text).length);
    },
  );
});

describe('decodeUtf8Lossy', () => {
  const nearText = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x80, 0xbf, 0xc2, 0xe0, 0xe2, 0x9f, 0xa0, 0xed, 0xf0, 0x90, 0xf4, 0x8f),
    ),
    { maxLength: 24 },
  );
  test.prop([nearText], { seed: 71, numRuns: 2000 })('replaces what the standard does', (bytes) => {
    const data = Uint8Array.from(bytes);
    expect(decodeUtf8Lossy(data)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(data));
  });
});
