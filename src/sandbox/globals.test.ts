import { fc, test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { apiInput, replyOf, TestCanister } from '../../tests/support/test-canister.ts';
import { compileWat } from '../../tests/support/wat.ts';
import type { GlobalValue, RunReply } from '../protocol/interfaces/wasm-host.ts';
import { createSandbox } from './sandbox.ts';

/** One mutable global of each type that canisters may have, some of them exported; 40 bytes in all. */
const MODULE = `(module
  (import "ic0" "msg_arg_data_copy" (func $argument (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (global $vector (export "vector") (mut v128) (v128.const i64x2 1 2))
  (global $constant (export "constant") v128 (v128.const i64x2 3 4))
  (global $double (mut f64) (f64.const 0))
  (global $long (export "long") (mut i64) (i64.const 0))
  (global $single (export "single") (mut f32) (f32.const 0))
  (global $int (mut i32) (i32.const 0))
  (func $set
    (call $argument (i32.const 0) (i32.const 0) (i32.const 40))
    (global.set $vector (v128.load (i32.const 0)))
    (global.set $double (f64.load (i32.const 16)))
    (global.set $long (i64.load (i32.const 24)))
    (global.set $single (f32.load (i32.const 32)))
    (global.set $int (i32.load (i32.const 36))))
  (func $get
    (v128.store (i32.const 64) (global.get $vector))
    (f64.store (i32.const 80) (global.get $double))
    (i64.store (i32.const 88) (global.get $long))
    (f32.store (i32.const 96) (global.get $single))
    (i32.store (i32.const 100) (global.get $int))
    (call $append (i32.const 64) (i32.const 40))
    (call $reply))
  (func (export "canister_update set") (call $set))
  (func (export "canister_update setAndTrap") (call $set) unreachable)
  (func (export "canister_query setAndGet") (call $set) (call $get))
  (func (export "canister_query get") (call $get)))`;

const SIZES: readonly (readonly [GlobalValue['type'], number])[] = [
  ['v128', 16],
  ['f64', 8],
  ['i64', 8],
  ['f32', 4],
  ['i32', 4],
];

/** What the bytes of an argument make of the globals, in the order of their indices. */
function globalsOf(bytes: Uint8Array): readonly GlobalValue[] {
  let at = 0;
  return SIZES.map(([type, size]) => {
    const part = bytes.subarray(at, at + size);
    at += size;
    return { type, bits: part.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) };
  });
}

const forty = fc.uint8Array({ minLength: 40, maxLength: 40 });
/** Signalling NaNs in both floats, negative numbers in the integers, all lanes of the vector different. */
const ODD = Uint8Array.from([
  ...[1, 2, 3, 4, 5, 6, 7, 0x80, 9, 10, 11, 12, 13, 14, 15, 0xf0],
  ...[1, 0, 0, 0, 0, 0, 0xf4, 0xff],
  ...[0, 0, 0, 0, 0, 0, 0, 0x80],
  ...[1, 0, 0xa0, 0xff],
  ...[0, 0, 0, 0x80],
]);

describe('mutable globals', () => {
  let wasm: Uint8Array;
  beforeAll(async () => {
    wasm = await compileWat(MODULE);
  });
  const installed = (): TestCanister => {
    const canister = new TestCanister(createSandbox(), wasm);
    canister.install();
    return canister;
  };
  const set = (canister: TestCanister, arg: Uint8Array): RunReply =>
    canister.update('set', { arg });
  const get = (canister: TestCanister): Uint8Array | string => replyOf(canister.query('get'));

  test.prop([forty], { numRuns: 12, seed: 1, examples: [[ODD]] })(
    'keep every bit from message to message, and through a sandbox that never saw them',
    (bytes) => {
      const canister = installed();
      const { delta } = set(canister, bytes);
      expect(delta?.globals).toEqual(globalsOf(bytes));
      expect(get(canister)).toEqual(bytes);
      const elsewhere = new TestCanister(createSandbox(), wasm);
      const answer = elsewhere.raw(
        { from: 'version', version: 9 },
        [
          {
            entry: 'canister_query get',
            input: apiInput('nonReplicatedQuery'),
            optional: false,
          },
        ],
        null,
        {
          heapWasmPages: 1,
          heap: [],
          stableWasmPages: 0,
          stable: [],
          globals: globalsOf(bytes),
        },
      );
      expect(answer.kind === 'ran' && replyOf(answer)).toEqual(bytes);
    },
  );

  it('come back after a trap, a query and an upgrade', () => {
    const canister = installed();
    set(canister, ODD);
    const other = ODD.map((byte) => byte ^ 0x55);
    expect(replyOf(canister.update('setAndTrap', { arg: other }))).toMatch(/^IC0502/);
    expect(get(canister)).toEqual(ODD);
    expect(replyOf(canister.query('setAndGet', { arg: other }))).toEqual(other);
    expect(get(canister)).toEqual(ODD);
    canister.run({ from: 'upgrade', version: canister.version, keepHeap: false }, [], true);
    // As the module gives them.
    expect(get(canister)).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, ...Array(31).fill(0)));
  });
});
