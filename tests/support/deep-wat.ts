import { FRAME_BYTES, FRAME_SLOT_BYTES } from '../../src/protocol/execution/wasm/limits.ts';

/** Frames of the entry points, one operand, and of `$down`, a parameter and three operands. */
const ENTRY_FRAME = FRAME_BYTES + FRAME_SLOT_BYTES;
const DOWN_FRAME = FRAME_BYTES + 4 * FRAME_SLOT_BYTES;

/** How often `$down` can stand on a stack of so many bytes. */
export function deepest(stackBytes: number): number {
  return Math.floor((stackBytes - ENTRY_FRAME) / DOWN_FRAME);
}

/**
 * A canister whose calls nest so deep: `work` and `look` spin at the deepest point and write on the
 * way back, `fits` is the deepest that fits, `over` and the query `beyond` one deeper. `look` tells what the heap holds.
 */
export function deepWat(stackBytes: number, spins = 1_000_000): string {
  const most = deepest(stackBytes) - 1;
  return `(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (memory 2)
    (global $depth (mut i64) (i64.const 0))
    (func $spin (local $i i64)
      (loop $again
        (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $i)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $again (i64.lt_u (local.get $i) (i64.const ${spins})))))
    (func $down (param $n i32) (result i32)
      (if (result i32) (local.get $n)
        (then (i32.add (i32.const 1) (call $down (i32.sub (local.get $n) (i32.const 1)))))
        (else (i32.const 0))))
    (func $climb (param $n i32)
      (global.set $depth (i64.add (global.get $depth) (i64.const 1)))
      (if (local.get $n)
        (then
          (call $climb (i32.sub (local.get $n) (i32.const 1)))
          (i32.store (i32.add (i32.const 8) (i32.and (i32.mul (local.get $n) (i32.const 4)) (i32.const 0xfffc)))
            (local.get $n)))
        (else (call $spin))))
    (func (export "canister_update work") (call $climb (i32.const ${Math.floor(most * 0.7)})) (call $reply))
    (func (export "canister_query look")
      (call $climb (i32.const 900))
      (call $append (i32.const 0) (i32.const 2048))
      (call $reply))
    (func (export "canister_update fits") (i32.store (i32.const 0) (call $down (i32.const ${most}))) (call $append (i32.const 0) (i32.const 4)) (call $reply))
    (func (export "canister_query beyond") (drop (call $down (i32.const ${most + 1}))) (call $reply))
    (func (export "canister_update over") (drop (call $down (i32.const ${most + 1})))))`;
}
