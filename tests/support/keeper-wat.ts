/**
 * A canister with something in each place that a snapshot keeps: a counter in the heap, one in stable
 * memory, one in a global, and certified data. `bump` adds one everywhere; `state` tells heap, stable
 * and global counter as three bytes.
 */
export const KEEPER_WAT = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory 2)
  (global $count (mut i32) (i32.const 0))
  (global $half (mut f64) (f64.const 0.5))
  (global $big (mut i64) (i64.const -2))
  (data (i32.const 100) "bumped")
  (func (export "canister_init") (drop (call $grow (i64.const 3))))
  (func (export "canister_update bump")
    (i32.store8 (i32.const 70000) (i32.add (i32.load8_u (i32.const 70000)) (i32.const 1)))
    (call $read (i64.const 8) (i64.const 131080) (i64.const 1))
    (i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 1)))
    (call $write (i64.const 131080) (i64.const 8) (i64.const 1))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $certify (i32.const 70000) (i32.const 1))
    (call $print (i32.const 100) (i32.const 6))
    (call $reply))
  (func (export "canister_query state")
    (i32.store8 (i32.const 0) (i32.load8_u (i32.const 70000)))
    (call $read (i64.const 1) (i64.const 131080) (i64.const 1))
    (i32.store8 (i32.const 2) (global.get $count))
    (call $append (i32.const 0) (i32.const 3))
    (call $reply))
  (func (export "canister_update minimum") (call $reply)))
`;

/** A module with one more custom section. */
export function withCustomSection(wasm: Uint8Array, name: string, content: string): Uint8Array {
  const body = Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.from(content)]);
  return Uint8Array.of(...wasm, 0, body.length, ...body);
}
