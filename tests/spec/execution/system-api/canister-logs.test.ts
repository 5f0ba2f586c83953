import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes, principalToText } from '../../../../src/protocol/crypto/principal.ts';
import type { CanisterId, PrincipalId } from '../../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

/** Prints in every entry point. An argument of init or post_upgrade makes it trap after that; its first letter names the version. */
const PRINTER = (version: string) => `(module
  (import "ic0" "debug_print" (func $debug_print (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "canister_self_size" (func $self_size (result i32)))
  (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (data (i32.const 0) "startinit pre  post upd  qry  timerreplyclean\\ff\\fe")
  (table 3 funcref)
  (elem (i32.const 1) $on_reply $clean)
  (func $print (param $at i32) (call $debug_print (i32.mul (local.get $at) (i32.const 5)) (i32.const 5)))
  (func $start (call $print (i32.const 0)))
  (start $start)
  (func $maybe_trap (if (call $arg_size) (then (call $trap (i32.const 10) (i32.const 3)))))
  (func (export "canister_init") (call $print (i32.const 1)) (call $maybe_trap))
  (func (export "canister_pre_upgrade") (call $print (i32.const 2)))
  (func (export "canister_post_upgrade") (call $print (i32.const 3)) (call $maybe_trap))
  (func (export "canister_update ${version}") (call $print (i32.const 4)) (call $reply))
  (func (export "canister_update div") (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func (export "canister_update breach") (call $print (i32.const 4)) (call $reply) (call $reply))
  (func (export "canister_update bytes") (call $debug_print (i32.const 45) (i32.const 2)) (call $reply))
  (func (export "canister_update much") (local $i i32)
    (loop $more
      (call $debug_print (i32.const 0) (i32.const 1000))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 7))))
    (call $reply))
  (func (export "canister_query q") (call $print (i32.const 5)) (call $reply))
  (func (export "canister_update later") (drop (call $timer (i64.const 1))) (call $reply))
  (func (export "canister_global_timer") (call $print (i32.const 6)) (unreachable))
  (func (export "canister_update call")
    (call $self (i32.const 100) (i32.const 0) (call $self_size))
    (call $new (i32.const 100) (call $self_size) (i32.const 25) (i32.const 1)
      (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $on_cleanup (i32.const 2) (i32.const 0)) (drop (call $perform)))
  (func $deep (unreachable))
  (func (export "canister_update fail") (call $deep))
  (func $on_reply (param i32) (call $print (i32.const 7)) (unreachable))
  (func $clean (param i32) (call $print (i32.const 8))))`;

const TRACE = '\nCanister Backtrace:\ndeep\nunknown function at index 27\n';
const STRANGER = '0b02' as PrincipalId;

describe('canister logs', () => {
  let wasm: Uint8Array;
  let next: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  beforeAll(async () => {
    wasm = await compileWat(PRINTER('u'));
    next = await compileWat(PRINTER('v'));
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.create();
  });
  const lines = (): string[] =>
    subnet.canister(id).logs.map(({ content }) => Buffer.from(content).toString().trimEnd());
  const install = (
    code: Uint8Array,
    mode: 'install' | 'reinstall' | 'upgrade',
    arg = new Uint8Array(0),
  ): string => {
    try {
      subnet.install(id, code, arg, mode);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('keep what all entry points print, with number and time, over an upgrade', () => {
    install(wasm, 'install');
    subnet.call(id, 'u');
    const { timeNs } = subnet.state;
    expect(subnet.canister(id).logs.at(-1)).toMatchObject({ index: 2n, timeNs });
    install(next, 'upgrade');
    subnet.call(id, 'v');
    expect(lines()).toEqual(['start', 'init', 'upd', 'pre', 'start', 'post', 'upd']);
    expect(subnet.canister(id).logs.map(({ index }) => index)).toEqual([
      0n,
      1n,
      2n,
      3n,
      4n,
      5n,
      6n,
    ]);
  });

  it('keep what failed messages print, and their traps, but not other errors', () => {
    install(wasm, 'install');
    subnet.call(id, 'div');
    subnet.call(id, 'breach');
    expect(lines().slice(2)).toEqual(['[TRAP]: integer division by 0', 'upd']);
  });

  it('keep backtraces, which go to callers only who may see the log', async () => {
    install(await compileWat(PRINTER('u'), true), 'install');
    const ownAnswer = subnet.call(id, 'fail').answer;
    expect(ownAnswer).toBe(
      `IC0502: Error from Canister ${principalToText(id)}: Canister trapped: unreachable${TRACE}.\nConsider gracefully handling failures from this canister or altering the canister to handle exceptions. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#trapped`,
    );
    const foreign = { ...subnet.ingress(id, 'fail', new Uint8Array(0)), sender: STRANGER };
    subnet.round([foreign]);
    expect(subnet.answerOf(foreign)).toBe(ownAnswer.replace(TRACE, ''));
    expect(lines().slice(2)).toEqual(Array(2).fill(`[TRAP]: unreachable${TRACE}`.trimEnd()));
  });

  it('keep what failed installations print', () => {
    expect(install(wasm, 'install', Uint8Array.of(1))).toMatch(/^IC0503/);
    expect(lines()).toEqual(['start', 'init', '[TRAP]: pre']);
    install(wasm, 'install');
    expect(install(next, 'upgrade', Uint8Array.of(1))).toMatch(/^IC0503/);
    expect(lines().slice(5)).toEqual(['pre', 'start', 'post', '[TRAP]: pre']);
    expect(subnet.call(id, 'u').answer).toBe('');
  });

  it('go when code is installed anew or taken away, not when that fails; numbers go on', () => {
    install(wasm, 'install');
    expect(install(next, 'reinstall', Uint8Array.of(1))).toMatch(/^IC0503/);
    expect(lines()).toEqual(['start', 'init', 'start', 'init', '[TRAP]: pre']);
    install(next, 'reinstall');
    expect(subnet.canister(id).logs).toMatchObject([{ index: 5n }, { index: 6n }]);
    subnet.round([subnet.manage(id, 'uninstall_code')]);
    expect(lines()).toEqual([]);
    install(wasm, 'install');
    expect(subnet.canister(id).logs[0]?.index).toBe(7n);
  });

  it('hold what callbacks, cleanups, timers and replicated queries print, not what other queries do', () => {
    install(wasm, 'install');
    subnet.query(id, 'q');
    expect(lines()).toHaveLength(2);
    subnet.call(id, 'call');
    expect(lines().slice(2)).toEqual(['qry', 'reply', '[TRAP]: unreachable', 'clean']);
    subnet.call(id, 'later');
    subnet.round();
    expect(lines().slice(6)).toEqual(['timer', '[TRAP]: unreachable']);
  });

  it('hold bytes as they are, 4 KiB of the newest', () => {
    install(wasm, 'install');
    subnet.call(id, 'bytes');
    expect(subnet.canister(id).logs.at(-1)?.content).toEqual(Uint8Array.of(0xff, 0xfe));
    subnet.call(id, 'much');
    // Each takes its 1000 bytes and 40 more.
    expect(subnet.canister(id).logs.map(({ index }) => index)).toEqual([7n, 8n, 9n]);
    expect(subnet.canister(id).nextLogIndex).toBe(10n);
  });

  it('are told to controllers who ask', () => {
    install(wasm, 'install');
    const target = Principal.fromUint8Array(principalToBytes(id));
    const arg = IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: target }]);
    const outcome = subnet.ask('' as CanisterId, 'fetch_canister_logs', Uint8Array.from(arg));
    const RecordType = IDL.Record({
      idx: IDL.Nat64,
      timestamp_nanos: IDL.Nat64,
      content: IDL.Vec(IDL.Nat8),
    });
    const reply = outcome.kind === 'replied' ? outcome.reply : new Uint8Array(0);
    const [told] = IDL.decode(
      [IDL.Record({ canister_log_records: IDL.Vec(RecordType) })],
      Uint8Array.from(reply),
    );
    expect(told).toMatchObject({
      canister_log_records: [
        {
          idx: 0n,
          timestamp_nanos: subnet.state.timeNs,
          content: Uint8Array.from(Buffer.from('start')),
        },
        { idx: 1n },
      ],
    });
  });
});
