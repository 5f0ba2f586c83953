import { fc, test } from '@fast-check/vitest';
import { constants, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip, isGzip } from './gunzip.ts';

const LIMIT = 1 << 20;

describe('gunzip', () => {
  test.prop([
    fc.uint8Array({ maxLength: 3000 }),
    fc.constantFrom(0, 1, 6, 9),
    fc.integer({ min: 1, max: 40 }),
  ])('restores what zlib packed', (piece, level, repeat) => {
    const content = new Uint8Array(Buffer.concat(Array.from({ length: repeat }, () => piece)));
    const packed = new Uint8Array(gzipSync(content, { level }));
    expect(isGzip(packed)).toBe(true);
    expect(gunzip(packed, LIMIT)).toEqual({ ok: true, value: content });
  });

  it('restores fixed-code blocks', () => {
    const content = new Uint8Array(Buffer.from('to be or not to be'.repeat(9)));
    const packed = new Uint8Array(gzipSync(content, { strategy: constants.Z_FIXED }));
    expect(gunzip(packed, LIMIT)).toEqual({ ok: true, value: content });
  });

  it('stops at the limit', () => {
    const packed = new Uint8Array(gzipSync(new Uint8Array(LIMIT + 1)));
    const result = gunzip(packed, LIMIT);
    expect(result.ok ? '' : result.error.code).toBe('GZIP_TOO_LARGE');
  });

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.nat(), fc.nat(255)])(
    'refuses or restores damaged files, and never throws',
    (content, position, mask) => {
      const packed = new Uint8Array(gzipSync(content));
      const at = position % packed.length;
      packed[at] = (packed[at] as number) ^ mask;
      const result = gunzip(packed, LIMIT);
      if (result.ok) {
        // The checksum vouches for the content; header fields such as the file time are free.
        expect(result.value).toEqual(content);
      } else {
        expect(result.error.code).toBe('MALFORMED_GZIP');
      }
    },
  );
});
