import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

/** Writes the version that each hook sees to its place in stable memory: init 0, pre_upgrade 8, post_upgrade 16, update 24. */
const VERSIONS = `(module
  (import "ic0" "canister_version" (func $version (result i64)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_size" (func $size (result i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (func $note (param $at i64)
    (if (i64.eqz (call $size)) (then (drop (call $grow (i64.const 1)))))
    (i64.store (i32.const 0) (call $version))
    (call $write (local.get $at) (i64.const 0) (i64.const 8)))
  (func (export "canister_init") (call $note (i64.const 0)))
  (func (export "canister_pre_upgrade") (call $note (i64.const 8)))
  (func (export "canister_post_upgrade") (call $note (i64.const 16)))
  (func (export "canister_update note") (call $note (i64.const 24)) (call $reply))
  (func (export "canister_query seen")
    (call $read (i64.const 0) (i64.const 0) (i64.const 32))
    (call $append (i32.const 0) (i32.const 32)) (call $reply)))`;

/** How a call with a deadline looks to an update and to a query: replies eight bytes, or the two performance counters. */
const CALLEE = `(module
  (import "ic0" "msg_deadline" (func $deadline (result i64)))
  (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
  (import "ic0" "canister_self_size" (func $self_size (result i32)))
  (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_with_best_effort_response" (func $best_effort (param i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (data (i32.const 100) "uuqq")
  (table 3 funcref) (elem (i32.const 1) $pass $count)
  (func $tell (i64.store (i32.const 0) (call $deadline)) (call $append (i32.const 0) (i32.const 8)) (call $reply))
  (func (export "canister_update uu") (call $tell))
  (func (export "canister_query qq") (call $tell))
  (func $begin (param $method i32) (param $on_reply i32)
    (call $self (i32.const 200) (i32.const 0) (call $self_size))
    (call $new (i32.const 200) (call $self_size) (local.get $method) (i32.const 2)
      (local.get $on_reply) (i32.const 0) (local.get $on_reply) (i32.const 0)))
  (func (export "canister_update timed_update") (call $begin (i32.const 100) (i32.const 1))
    (call $best_effort (i32.const 4000)) (drop (call $perform)))
  (func (export "canister_update timed_query") (call $begin (i32.const 102) (i32.const 1))
    (call $best_effort (i32.const 7)) (drop (call $perform)))
  (func $pass (param i32) (call $arg (i32.const 0) (i32.const 0) (i32.const 8)) (call $append (i32.const 0) (i32.const 8)) (call $reply))
  (func $spend (local $i i32)
    (loop $more (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $more (i32.lt_u (local.get $i) (i32.const 1000)))))
  (func (export "canister_update counters") (call $spend) (call $begin (i32.const 100) (i32.const 2)) (drop (call $perform)))
  (func $count (param i32)
    (i64.store (i32.const 0) (call $counter (i32.const 0)))
    (i64.store (i32.const 8) (call $counter (i32.const 1)))
    (call $append (i32.const 0) (i32.const 16)) (call $reply)))`;

const numbers = (hex: string): bigint[] => {
  const bytes = Buffer.from(hex, 'hex');
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
};

describe('the canister version', () => {
  it('is the new one for new code, the old one for old code, and one more after all of it', async () => {
    const wasm = await compileWat(VERSIONS);
    const subnet = new TestSubnet();
    const id = subnet.createWith(wasm);
    const seen = () => numbers(subnet.query(id, 'seen').toString('hex'));
    expect(subnet.canister(id).version).toBe(1n);
    subnet.call(id, 'note');
    expect(seen()).toEqual([1n, 0n, 0n, 1n]);
    expect(subnet.canister(id).version).toBe(2n);
    subnet.install(id, wasm, new Uint8Array(0), 'upgrade');
    expect(seen()).toEqual([1n, 2n, 3n, 1n]);
    expect(subnet.canister(id).version).toBe(3n);
  });
});

describe('what a message sees of its call', () => {
  let callee: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  beforeAll(async () => {
    callee = await compileWat(CALLEE);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.createWith(callee);
  });

  it('is the deadline for updates, at most five minutes on and in whole seconds; none for queries', () => {
    const [deadline] = numbers(subnet.call(id, 'timed_update').answer);
    const seconds = subnet.state.timeNs / 1_000_000_000n;
    expect(deadline).toBe((seconds + 300n) * 1_000_000_000n);
    expect(numbers(subnet.call(id, 'timed_query').answer)).toEqual([0n]);
    expect(numbers(subnet.call(id, 'uu').answer)).toEqual([0n]);
  });

  it('is what this message used, and what all messages of the call used', () => {
    const [message, call] = numbers(subnet.call(id, 'counters').answer);
    const executed = subnet.trace.findLast((event) => event.kind === 'messageExecuted');
    expect(call).toBeGreaterThan((message ?? 0n) + 8000n);
    expect(executed?.kind === 'messageExecuted' && executed.instructions > (call ?? 0n)).toBe(true);
  });
});
