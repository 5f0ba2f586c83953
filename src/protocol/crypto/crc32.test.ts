import { crc32 as zlibCrc32 } from 'node:zlib';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.ts';

describe('CRC-32', () => {
  it('has the check value of the standard', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcb_f4_39_26);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  test.prop([fc.uint8Array({ maxLength: 200 }), fc.nat(17)])(
    'is what zlib computes, wherever the bytes begin',
    (bytes, from) => {
      const part = bytes.subarray(Math.min(from, bytes.length));
      expect(crc32(part)).toBe(zlibCrc32(part));
    },
  );
});
