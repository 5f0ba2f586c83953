import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { deepest, deepWat } from '../../tests/support/deep-wat.ts';
import { replyOf, TestCanister } from '../../tests/support/test-canister.ts';
import { compileWat } from '../../tests/support/wat.ts';
import { SMALL_STACK_BYTES, STACK_BYTES } from '../protocol/execution/wasm/limits.ts';
import { HostFault } from './host-fault.ts';
import { nativeStackSize } from './native-stack.ts';
import { createSandbox } from './sandbox.ts';
import type { StackSize } from './stack-segments.ts';

const TRAPPED = 'IC0502: Canister trapped: stack overflow';

async function canisterWith(stack: StackSize, codeFor = stack.bytes): Promise<TestCanister> {
  const canister = new TestCanister(createSandbox({ stack }), await compileWat(deepWat(codeFor)));
  canister.install();
  return canister;
}

function depthOf(reply: Uint8Array | string): number {
  if (typeof reply === 'string') {
    throw new TypeError(reply);
  }
  return new DataView(reply.buffer, reply.byteOffset).getInt32(0, true) + 1;
}

describe('the stack of a canister', () => {
  it('is the whole one where Node was given enough, as tests and commands give it', () => {
    const given = process.execArgv.some((flag) => flag.startsWith('--stack-size='));
    expect(nativeStackSize().bytes).toBe(given ? STACK_BYTES : SMALL_STACK_BYTES);
  });

  it('ends at its last byte, and the run that went beyond changes nothing', async () => {
    const { bytes } = nativeStackSize();
    const canister = await canisterWith({ bytes, segmentBytes: bytes });
    expect(depthOf(replyOf(canister.update('fits')))).toBe(deepest(bytes));
    const before = replyOf(canister.query('look'));
    const over = canister.update('over');
    expect(replyOf(over)).toBe(TRAPPED);
    expect(over.delta).toBeNull();
    expect(replyOf(canister.query('look'))).toEqual(before);
    expect(depthOf(replyOf(canister.update('fits')))).toBe(deepest(bytes));
  });

  it('holds more than 40,000 small frames when it is the IC’s', () => {
    expect(deepest(STACK_BYTES)).toBeGreaterThan(40_000);
  });

  it.each([512, 5000, 64 * 1024])(
    'is the same to a canister in segments of %i bytes',
    async (segmentBytes) => {
      const bytes = 120 * 1024;
      const whole = await canisterWith({ bytes, segmentBytes: bytes });
      const parts = await canisterWith({ bytes, segmentBytes });
      for (const method of ['fits', 'over', 'work', 'over', 'fits']) {
        expect(parts.update(method)).toEqual(whole.update(method));
        expect(parts.query('look')).toEqual(whole.query('look'));
      }
      expect(replyOf(parts.update('over'))).toBe(TRAPPED);
    },
  );

  it('is a fault of the host, not of the canister, when the native one is smaller', async () => {
    const bytes = 2 ** 29;
    const canister = await canisterWith({ bytes, segmentBytes: bytes });
    expect(() => canister.update('over')).toThrow(HostFault);
    expect(() => canister.update('fits')).toThrow(HostFault);
  });
});
