import { describe, expect, it } from 'vitest';
import { CLASSROOM_EXECUTION_LIMITS } from '../../../../src/protocol/limits/execution.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

/** Asks for the price of a call of itself with so many bytes, makes it, and tells the price and the balances around it. */
const ASKER = (memory64: boolean) => {
  const I = memory64 ? 'i64' : 'i32';
  return `(module
  (import "ic0" "cost_call" (func $cost (param i64 i64 ${I})))
  (import "ic0" "canister_cycle_balance128" (func $balance (param ${I})))
  (import "ic0" "canister_self_size" (func $self_size (result ${I})))
  (import "ic0" "canister_self_copy" (func $self (param ${I} ${I} ${I})))
  (import "ic0" "call_new" (func $new (param ${`${I} `.repeat(8)})))
  (import "ic0" "call_data_append" (func $data (param ${I} ${I})))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param ${I} ${I})))
  (memory ${memory64 ? 'i64' : ''} 1)
  (data (${I}.const 200) "peek")
  (func (export "canister_query peek") (call $reply))
  (func (export "canister_update ask")
    (call $cost (i64.const 4) (i64.const 1000) (${I}.const 0))
    (call $self (${I}.const 100) (${I}.const 0) (call $self_size))
    (call $new (${I}.const 100) (call $self_size) (${I}.const 200) (${I}.const 4)
      (${I}.const 0) (${I}.const 0) (${I}.const 0) (${I}.const 0))
    (call $data (${I}.const 300) (${I}.const 1000))
    (call $balance (${I}.const 16))
    (if (call $perform) (then (unreachable)))
    (call $balance (${I}.const 32))
    (call $append (${I}.const 0) (${I}.const 48)) (call $reply)))`;
};

const u128 = (hex: string, at: number): bigint =>
  BigInt(
    `0x${Buffer.from(hex, 'hex')
      .subarray(at, at + 16)
      .reverse()
      .toString('hex')}`,
  );

describe('what a canister is told that a call costs', () => {
  it.each([
    [13, false],
    [4, false],
    [13, true],
  ])('is what it pays: %i nodes, 64-bit memory %s', async (nodes, memory64) => {
    const subnet = new TestSubnet(CLASSROOM_EXECUTION_LIMITS, nodes);
    const id = subnet.createWith(await compileWat(ASKER(memory64)));
    const { answer } = subnet.call(id, 'ask');
    const cost = u128(answer, 0);
    expect(cost).toBe(u128(answer, 16) - u128(answer, 32));
    const instructions = CLASSROOM_EXECUTION_LIMITS.messageInstructions * (memory64 ? 2n : 1n);
    const parts = [260_000n + 1000n * 1004n, 2_097_152_000n, 5_000_000n + instructions];
    const scaled = parts.map((part) => (part * BigInt(nodes)) / 13n);
    expect(cost).toBe(scaled.reduce((sum, part) => sum + part, 0n));
  });
});
