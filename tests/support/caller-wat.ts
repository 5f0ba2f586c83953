/**
 * A canister that calls where its argument says: callee (length byte, bytes), method (length byte,
 * bytes), cycles (u64 little-endian), payload. Replies "Y", refunded cycles, the callee's reply; or
 * "N", the reject code, the reject text. Query `state` gives three counters: calls begun, sum of the
 * environments that callbacks saw, and of those that cleanups saw.
 */
export const CALLER_WAT = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reject" (func $reject (param i32 i32)))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $text_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $text_copy (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_cycles_available" (func $available (result i64)))
  (import "ic0" "msg_cycles_accept" (func $accept (param i64) (result i64)))
  (import "ic0" "msg_cycles_refunded" (func $refunded (result i64)))
  (import "ic0" "cycles_burn128" (func $burn (param i64 i64 i32)))
  (import "ic0" "canister_liquid_cycle_balance128" (func $liquid (param i32)))
  (import "ic0" "msg_deadline" (func $deadline (result i64)))
  (import "ic0" "canister_self_size" (func $self_size (result i32)))
  (import "ic0" "canister_self_copy" (func $self_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_cycles_add" (func $cycles (param i64)))
  (import "ic0" "call_with_best_effort_response" (func $best_effort (param i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 4)
  (data (i32.const 100) "busy")
  (data (i32.const 110) "echo")
  (data (i32.const 120) "on purpose")
  (table 9 funcref)
  (elem (i32.const 1) $on_reply $on_reject $cleanup $on_reply_trap $silent $on_reply_call $cleanup_trap)
  (func $count (param $at i32) (param $by i32)
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (local.get $by))))

  (func $on_reply (param $env i32)
    (call $count (i32.const 4) (local.get $env))
    (i32.store8 (i32.const 200) (i32.const 89))
    (i64.store (i32.const 201) (call $refunded))
    (call $append (i32.const 200) (i32.const 9))
    (call $copy (i32.const 1000) (i32.const 0) (call $size))
    (call $append (i32.const 1000) (call $size))
    (call $reply))
  (func $on_reject (param $env i32)
    (call $count (i32.const 4) (local.get $env))
    (i32.store8 (i32.const 200) (i32.const 78))
    (i32.store8 (i32.const 201) (call $code))
    (call $append (i32.const 200) (i32.const 2))
    (call $text_copy (i32.const 1000) (i32.const 0) (call $text_size))
    (call $append (i32.const 1000) (call $text_size))
    (call $reply))
  (func $cleanup (param $env i32) (call $count (i32.const 8) (local.get $env)))
  (func $cleanup_trap (param $env i32) (call $count (i32.const 8) (local.get $env)) (unreachable))
  (func $on_reply_trap (param $env i32) (call $count (i32.const 4) (i32.const 1)) (unreachable))
  (func $silent (param $env i32) (call $count (i32.const 4) (local.get $env)))
  (func $on_reply_call (param $env i32)
    (call $count (i32.const 4) (local.get $env))
    (drop (call $accept (i64.div_u (call $available) (i64.const 3))))
    (call $call_self (i32.const 1)))

  (func $call_self (param $on_reply i32)
    (call $self_copy (i32.const 300) (i32.const 0) (call $self_size))
    (call $new (i32.const 300) (call $self_size) (i32.const 110) (i32.const 4)
      (local.get $on_reply) (i32.const 7) (i32.const 2) (i32.const 9))
    (call $data (i32.const 110) (i32.const 4))
    (if (call $perform) (then (unreachable))))
  (func $begin (param $on_reply i32) (param $cleanup i32) (local $n i32) (local $m i32) (local $p i32)
    (call $count (i32.const 0) (i32.const 1))
    (call $copy (i32.const 1000) (i32.const 0) (call $size))
    (local.set $n (i32.load8_u (i32.const 1000)))
    (local.set $m (i32.load8_u offset=1001 (local.get $n)))
    (local.set $p (i32.add (i32.const 1002) (i32.add (local.get $n) (local.get $m))))
    (call $new (i32.const 1001) (local.get $n) (i32.add (i32.const 1002) (local.get $n)) (local.get $m)
      (local.get $on_reply) (i32.const 7) (i32.const 2) (i32.const 9))
    (call $on_cleanup (local.get $cleanup) (i32.const 11))
    (call $cycles (i64.load (local.get $p)))
    (call $data (i32.add (local.get $p) (i32.const 8))
      (i32.sub (call $size) (i32.sub (local.get $p) (i32.const 992)))))
  (func $send (if (call $perform) (then (call $reject (i32.const 100) (i32.const 4)))))

  (func (export "canister_update forward") (call $begin (i32.const 1) (i32.const 3)) (call $send))
  (func (export "canister_update forward_trap") (call $begin (i32.const 4) (i32.const 3)) (call $send))
  (func (export "canister_update forward_trap_all") (call $begin (i32.const 4) (i32.const 7)) (call $send))
  (func (export "canister_update forward_silent") (call $begin (i32.const 5) (i32.const 3)) (call $send))
  (func (export "canister_update forward_call") (call $begin (i32.const 6) (i32.const 3)) (call $send))
  (func (export "canister_update forward_null") (call $begin (i32.const 0) (i32.const 3)) (call $send))
  (func (export "canister_update forward_missing") (call $begin (i32.const 99) (i32.const 3)) (call $send))
  (func (export "canister_update forward_best_effort")
    (call $begin (i32.const 1) (i32.const 3)) (call $best_effort (i32.const 20)) (call $send))
  (func (export "canister_update forward_then_trap") (call $begin (i32.const 1) (i32.const 3)) (call $send) (unreachable))
  (func (export "canister_update reply_first")
    (call $reply) (call $begin (i32.const 5) (i32.const 3)) (call $send))
  (func (export "canister_update reply_twice")
    (call $reply) (call $begin (i32.const 1) (i32.const 3)) (call $send))
  (func (export "canister_update burn")
    (call $burn (i64.const 0) (i64.const 1000) (i32.const 200))
    (call $burn (i64.const 1) (i64.const 0) (i32.const 208))
    (call $liquid (i32.const 220))
    (call $append (i32.const 200) (i32.const 36)) (call $reply))
  (func (export "canister_update deadline")
    (i64.store (i32.const 200) (call $deadline)) (call $append (i32.const 200) (i32.const 8)) (call $reply))
  (func (export "canister_update echo")
    (drop (call $accept (i64.div_u (call $available) (i64.const 2))))
    (call $copy (i32.const 1000) (i32.const 0) (call $size))
    (call $append (i32.const 1000) (call $size))
    (call $reply))
  (func (export "canister_query peek") (call $append (i32.const 110) (i32.const 4)) (call $reply))
  (func (export "canister_update refuse") (call $reject (i32.const 120) (i32.const 10)))
  (func (export "canister_update trap") (drop (call $accept (i64.const 1000000))) (unreachable))
  (func (export "canister_update mute"))
  (func (export "canister_update flood") (local $i i32) (local $n i32)
    (loop $more
      (call $self_copy (i32.const 300) (i32.const 0) (call $self_size))
      (call $new (i32.const 300) (call $self_size) (i32.const 110) (i32.const 4)
        (i32.const 5) (i32.const 1) (i32.const 5) (i32.const 1))
      (if (i32.eqz (call $perform)) (then (local.set $n (i32.add (local.get $n) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 510))))
    (i32.store (i32.const 200) (local.get $n))
    (call $append (i32.const 200) (i32.const 4))
    (call $reply))
  (func (export "canister_query state") (call $append (i32.const 0) (i32.const 12)) (call $reply)))
`;

/** The argument of the `forward` methods. */
export function forwardTo(
  callee: string,
  method: string,
  cycles = 0n,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const id = Buffer.from(callee, 'hex');
  const name = Buffer.from(method);
  const amount = Buffer.alloc(8);
  amount.writeBigUInt64LE(cycles);
  return Uint8Array.from(
    Buffer.concat([Buffer.of(id.length), id, Buffer.of(name.length), name, amount, payload]),
  );
}

export type Forwarded =
  | { readonly refunded: bigint; readonly data: Buffer }
  | { readonly code: number; readonly text: string };

/** What a `forward` method answered: refunded cycles and reply, or reject code and text. */
export function decodeForwarded(answer: string): Forwarded {
  const bytes = Buffer.from(answer, 'hex');
  return bytes[0] === 89
    ? { refunded: bytes.readBigUInt64LE(1), data: bytes.subarray(9) }
    : { code: bytes[1] as number, text: bytes.subarray(2).toString() };
}
