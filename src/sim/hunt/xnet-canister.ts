import { present } from '../../base/assert.ts';
import { hexToBytes } from '../../base/hex.ts';

/**
 * A canister that calls others, counts, and can tell whether each call had one answer.
 * `canister_init` takes its number (a byte). `go` takes count (u16), flags (u8), a byte of nothing, cycles
 * for each call (u64), callee (10 bytes), the one that the callee is to call (10 bytes), bytes of padding
 * (u32), all little-endian, and calls `take` so often. Flags: 1 best effort, 2 the callee calls on before
 * it answers, 4 a long answer. `take` keeps half of the cycles and traps on some; `state` gives the
 * counters `XNetTally` names. Requests of even numbers must come in their order.
 */
export const XNET_CANISTER_WAT = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_cycles_available" (func $available (result i64)))
  (import "ic0" "msg_cycles_accept" (func $accept (param i64) (result i64)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_cycles_add" (func $add (param i64)))
  (import "ic0" "call_with_best_effort_response" (func $best_effort (param i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 8)
  (data (i32.const 64) "take")
  (table 6 funcref)
  (elem (i32.const 1) $replied $rejected $cleanup $hop_replied $hop_rejected)
  (func $count (param $at i32)
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (i32.const 1))))
  (func $mark (param $n i32) (local $at i32) (local $bit i32)
    (local.set $at (i32.add (i32.const 65536) (i32.shr_u (local.get $n) (i32.const 3))))
    (local.set $bit (i32.shl (i32.const 1) (i32.and (local.get $n) (i32.const 7))))
    (if (i32.and (i32.load8_u (local.get $at)) (local.get $bit)) (then (call $count (i32.const 20))))
    (i32.store8 (local.get $at) (i32.or (i32.load8_u (local.get $at)) (local.get $bit))))
  (func $replied (param $n i32)
    (call $mark (local.get $n))
    (call $count (i32.const 4))
    (if (i32.eq (i32.and (local.get $n) (i32.const 31)) (i32.const 7)) (then (unreachable))))
  (func $cleanup (param $n i32) (call $mark (local.get $n)) (call $count (i32.const 4)))
  (func $rejected (param $n i32) (call $mark (local.get $n)) (call $count (i32.const 8)))
  (func $hop_replied (param $n i32)
    (call $mark (local.get $n)) (call $count (i32.const 4)) (call $reply))
  (func $hop_rejected (param $n i32) (call $rejected (local.get $n)) (call $reply))

  (func $call (param $callee i32) (param $on_reply i32) (param $flags i32) (param $cycles i64)
      (param $then i32) (param $padding i32) (result i32) (local $n i32)
    (local.set $n (i32.load (i32.const 28)))
    (call $new (local.get $callee) (i32.const 10) (i32.const 64) (i32.const 4)
      (local.get $on_reply) (local.get $n) (i32.add (local.get $on_reply) (i32.const 1)) (local.get $n))
    (call $on_cleanup (i32.const 3) (local.get $n))
    (call $add (local.get $cycles))
    (if (i32.and (local.get $flags) (i32.const 1)) (then (call $best_effort (i32.const 12))))
    (i32.store8 (i32.const 256) (i32.load8_u (i32.const 60)))
    (i32.store8 (i32.const 257) (local.get $flags))
    (i32.store (i32.const 258) (local.get $n))
    (i64.store (i32.const 262) (i64.load (local.get $then)))
    (i32.store16 (i32.const 270) (i32.load16_u offset=8 (local.get $then)))
    (call $data (i32.const 256) (i32.const 16))
    (call $data (i32.const 131072) (local.get $padding))
    (if (call $perform)
      (then (call $count (i32.const 12)) (return (i32.const 0))))
    (call $count (i32.const 0))
    (call $count (i32.const 28))
    (i32.const 1))

  (func (export "canister_init") (call $copy (i32.const 60) (i32.const 0) (i32.const 1)))
  (func (export "canister_update go") (local $left i32)
    (call $copy (i32.const 128) (i32.const 0) (i32.const 36))
    (local.set $left (i32.load16_u (i32.const 128)))
    (loop $more
      (drop (call $call (i32.const 140) (i32.const 1) (i32.load8_u (i32.const 130))
        (i64.load (i32.const 132)) (i32.const 150) (i32.load (i32.const 160))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $more (i32.gt_s (local.get $left) (i32.const 0))))
    (call $reply))
  (func (export "canister_update take") (local $last i32) (local $n i32) (local $flags i32)
    (call $copy (i32.const 192) (i32.const 0) (i32.const 16))
    (local.set $n (i32.load (i32.const 194)))
    (local.set $flags (i32.load8_u (i32.const 193)))
    (local.set $last (i32.add (i32.const 512) (i32.shl (i32.load8_u (i32.const 192)) (i32.const 2))))
    (if (i32.and
          (i32.lt_u (local.get $n) (i32.load (local.get $last)))
          (i32.eqz (i32.and (i32.load8_u (i32.const 192)) (i32.const 1))))
      (then (call $count (i32.const 16))))
    (i32.store (local.get $last) (i32.add (local.get $n) (i32.const 1)))
    (call $count (i32.const 24))
    (drop (call $accept (i64.shr_u (call $available) (i64.const 1))))
    (if (i32.eq (i32.and (local.get $n) (i32.const 15)) (i32.const 3)) (then (unreachable)))
    (if (i32.and (local.get $flags) (i32.const 2))
      (then
        (if (call $call (i32.const 198) (i32.const 4) (i32.and (local.get $flags) (i32.const 1))
              (i64.shr_u (call $available) (i64.const 1)) (i32.const 198) (i32.const 0))
          (then (return)))))
    (if (i32.and (local.get $flags) (i32.const 4))
      (then (call $append (i32.const 131072) (call $size))))
    (call $reply))
  (func (export "canister_query state") (call $append (i32.const 0) (i32.const 32)) (call $reply)))
`;

/** `XNET_CANISTER_WAT`, assembled: hunts run where no assembler is. */
export const XNET_CANISTER = present(
  hexToBytes(
    '0061736d0100000001390a60000060027f7f006000017f60037f7f7f006000017e60017e017e60087f7f7f7f' +
      '7f7f7f7f0060017e0060017f0060067f7f7f7e7f7f017f029a020c03696330096d73675f7265706c79000003' +
      '696330156d73675f7265706c795f646174615f617070656e64000103696330116d73675f6172675f64617461' +
      '5f73697a65000203696330116d73675f6172675f646174615f636f7079000303696330146d73675f6379636c' +
      '65735f617661696c61626c65000403696330116d73675f6379636c65735f6163636570740005036963300863' +
      '616c6c5f6e65770006036963300f63616c6c5f6f6e5f636c65616e75700001036963301063616c6c5f646174' +
      '615f617070656e640001036963300f63616c6c5f6379636c65735f6164640007036963301e63616c6c5f7769' +
      '74685f626573745f6566666f72745f726573706f6e73650008036963300c63616c6c5f706572666f726d0002' +
      '030d0c08080808080808090000000004040170000605030100080754040d63616e69737465725f696e697400' +
      '141263616e69737465725f75706461746520676f00151463616e69737465725f7570646174652074616b6500' +
      '161463616e69737465725f71756572792073746174650017090b010041010b050e100f11120a94040c0f0020' +
      '00200028020041016a3602000b3601027f4180800420004103766a21014101200041077174210220012d0000' +
      '20027104404114100c0b200120012d00002002723a00000b16002000100d4104100c2000411f714107460440' +
      '000b0b0a002000100d4104100c0b0a002000100d4108100c0b0c002000100d4104100c10000b080020001010' +
      '10000b8d0101017f411c28020021062000410a41c000410420012006200141016a2006100641032006100720' +
      '03100920024101710440410c100a0b418002413c2d00003a000041810220023a000041820220063602004186' +
      '022004290300370300418e0220042f01083b0100418002411010084180800820051008100b0440410c100c41' +
      '000f0b4100100c411c100c41010b0a00413c4100410110030b4501017f4180014100412410034180012f0100' +
      '21000340418c0141014182012d000041840129030041960141a00128020010131a200041016b210020004100' +
      '4a0d000b10000b9c0101037f41c00141004110100341c201280200210141c1012d0000210241800441c0012d' +
      '00004102746a2100200120002802004941c0012d0000410171457104404110100c0b2000200141016a360200' +
      '4118100c100442018810051a2001410f714103460440000b2002410271044041c60141042002410171100442' +
      '018841c6014100101304400f0b0b2002410471044041808008100210010b10000b0a0041004120100110000b' +
      '0b0b010041c0000b0474616b65',
  ),
  'the module is hex',
);
