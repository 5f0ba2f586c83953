import { present } from '../../base/assert.ts';
import { hexToBytes } from '../../base/hex.ts';

/**
 * A canister that passes cycles on. `pay` sends as many as its argument says (callee's id, ten bytes,
 * then a number of eight, little-endian) to `take` of the callee; `take` keeps half of what comes,
 * and traps when what is left divides by four.
 */
export const MONEY_MOVER_WAT = `
(module
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_cycles_available" (func $available (result i64)))
  (import "ic0" "msg_cycles_accept" (func $accept (param i64) (result i64)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_cycles_add" (func $add (param i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (table 1 funcref)
  (elem (i32.const 0) $done)
  (data (i32.const 0) "take")
  (func $done (param i32))
  (func (export "canister_update pay")
    (call $copy (i32.const 16) (i32.const 0) (i32.const 18))
    (call $new (i32.const 16) (i32.const 10) (i32.const 0) (i32.const 4)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $add (i64.load (i32.const 26)))
    (drop (call $perform))
    (call $reply))
  (func (export "canister_update take")
    (drop (call $accept (i64.shr_u (call $available) (i64.const 1))))
    (if (i64.eqz (i64.and (call $available) (i64.const 3))) (then (unreachable)))
    (call $reply)))
`;

/** `MONEY_MOVER_WAT`, assembled: hunts run where no assembler is. */
export const MONEY_MOVER = present(
  hexToBytes(
    '0061736d01000000012a0860037f7f7f006000006000017e60017e017e60087f7f7f7f7f7f7f7f0060017e00' +
      '6000017f60017f000294010703696330116d73675f6172675f646174615f636f7079000003696330096d7367' +
      '5f7265706c79000103696330146d73675f6379636c65735f617661696c61626c65000203696330116d73675f' +
      '6379636c65735f6163636570740003036963300863616c6c5f6e65770004036963300f63616c6c5f6379636c' +
      '65735f6164640005036963300c63616c6c5f706572666f726d00060304030701010404017000010503010001' +
      '072e021363616e69737465725f7570646174652070617900081463616e69737465725f757064617465207461' +
      '6b6500090907010041000b01070a440302000b280041104100411210004110410a4100410441004100410041' +
      '001004411a290300100510061a10010b1600100242018810031a1002420383500440000b10010b0b0a010041' +
      '000b0474616b65',
  ),
  'the module is hex',
);
