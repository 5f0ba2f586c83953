import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../base/utf8.ts';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import { MAX_REJECT_MESSAGE_BYTES } from '../limits/execution.ts';
import {
  ErrorCode,
  ellipsize,
  errorCodeText,
  executionError,
  rejectCodeOf,
  truncateMessage,
  truncateReject,
  wasmModuleNotFound,
} from './user-error.ts';

describe('user errors', () => {
  it('have the reject code of their first digit and four digits in text', () => {
    expect([101, 204, 301, 406, 503].map(rejectCodeOf)).toEqual([1, 2, 3, 4, 5]);
    expect(errorCodeText(ErrorCode.canisterCalledTrap)).toBe('IC0503');
  });

  it('word a trap as the replica does, with its own dot and its advice', () => {
    const message = "Canister called `ic0.trap` with message: 'no'";
    expect(executionError(canisterIdFromU64(7n), { code: 503, message }).message).toBe(
      "Error from Canister rdmx6-jaaaa-aaaaa-aaadq-cai: Canister called `ic0.trap` with message: 'no'.\nConsider gracefully handling failures from this canister or altering the canister to handle exceptions. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#trapped-explicitly",
    );
    expect(wasmModuleNotFound(canisterIdFromU64(0n)).message).toMatch(
      /^Error from Canister rwlgt-iiaaa-aaaaa-aaaaa-cai: Attempted to execute a message, but the canister contains no Wasm module\.\.\nPlease install code/,
    );
  });

  it('leave out the middle of long texts', () => {
    expect(ellipsize('0123456789', 10, 50)).toBe('0123456789');
    expect(ellipsize('0123456789a', 10, 50)).toBe('01234...9a');
    expect(ellipsize('0123456789a', 10, 75)).toBe('0123456...');
    expect(ellipsize('₿€₿€₿', 10, 50)).toBe('₿...');
    const long = 'x'.repeat(9000);
    expect(truncateMessage(`${long}y`)).toBe(`${'x'.repeat(4096)}...${'x'.repeat(4092)}y`);
    expect(truncateReject(`${long}y`)).toBe(`${'x'.repeat(6144)}...${'x'.repeat(2044)}y`);
  });

  test.prop([fc.string({ unit: 'binary', maxLength: 3000 })])(
    'are cut to 8 KiB between characters',
    (piece) => {
      const long = (piece + 'é€😀').repeat(
        Math.ceil(MAX_REJECT_MESSAGE_BYTES / (piece.length + 3)),
      );
      const cut = truncateMessage(long);
      const bytes = encodeUtf8(cut).length;
      expect(bytes).toBeLessThanOrEqual(MAX_REJECT_MESSAGE_BYTES);
      expect(bytes).toBeGreaterThan(
        Math.min(encodeUtf8(long).length, MAX_REJECT_MESSAGE_BYTES) - 7,
      );
    },
  );
});
