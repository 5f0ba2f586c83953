import { beforeAll, describe, expect, it } from 'vitest';
import { apiInput, CANISTER, replyOf, TestCanister } from '../../tests/support/test-canister.ts';
import { compileWat } from '../../tests/support/wat.ts';
import type { OutgoingCallRules } from '../protocol/interfaces/wasm-host.ts';
import type { PrincipalId } from '../protocol/types/ids.ts';
import { createSandbox } from './sandbox.ts';

const CALLEE = '00000000000000020101' as PrincipalId;

const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $cleanup (param i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_cycles_add128" (func $cycles (param i64 i64)))
  (import "ic0" "call_with_best_effort_response" (func $best_effort (param i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "canister_cycle_balance" (func $balance (result i64)))
  (memory 1)
  (data (i32.const 0) "\\00\\00\\00\\00\\00\\00\\00\\02\\01\\01method\\ff")
  (func $begin (call $new (i32.const 0) (i32.const 10) (i32.const 10) (i32.const 6)
    (i32.const 1) (i32.const -1) (i32.const 3) (i32.const 4)))
  (func $result
    (i32.store (i32.const 100) (call $perform))
    (i64.store (i32.const 104) (call $balance))
    (call $append (i32.const 100) (i32.const 12)))
  (func (export "canister_update one")
    (call $begin) (call $cleanup (i32.const 5) (i32.const 6)) (call $data (i32.const 10) (i32.const 2))
    (call $data (i32.const 12) (i32.const 4)) (call $cycles (i64.const 0) (i64.const 70)) (call $result) (call $reply))
  (func (export "canister_update timed") (call $begin) (call $best_effort (i32.const 12)) (call $result) (call $reply))
  (func (export "canister_update two") (call $begin) (call $result) (call $begin) (call $result) (call $reply))
  (func (export "canister_update dropped") (call $begin) (call $cycles (i64.const 0) (i64.const 70)) (call $begin)
    (call $result) (call $reply))
  (func (export "canister_update unfinished") (call $begin) (call $cycles (i64.const 0) (i64.const 70)) (call $reply))
  (func (export "canister_update nothing_begun") (call $data (i32.const 0) (i32.const 1)))
  (func (export "canister_update performed_twice") (call $begin) (call $result) (call $result))
  (func (export "canister_update two_cleanups") (call $begin) (call $cleanup (i32.const 1) (i32.const 1))
    (call $cleanup (i32.const 1) (i32.const 1)))
  (func (export "canister_update two_timeouts") (call $begin) (call $best_effort (i32.const 1)) (call $best_effort (i32.const 1)))
  (func (export "canister_update no_text") (call $new (i32.const 0) (i32.const 10) (i32.const 16) (i32.const 1)
    (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1)) (drop (call $perform)))
  (func (export "canister_query ask") (call $begin)))
`;

const FREE: OutgoingCallRules = {
  prices: { nodeCount: 13, executionPrepayment: 1000n },
  maxOpenCallsPerReceiver: 500,
  openCalls: [],
  freeCallbacks: 10,
  freeMessageBytes: 1000,
  freeGuaranteedBytes: 100 * 1024 * 1024,
};
/** 260 000 + 6 bytes at 1000, 2 MiB at 1000, and the execution. */
const COST = 260_000n + 6000n + 2n * 1024n * 1024n * 1000n + 1000n;
const BALANCE = 1_000_000_000_000n;

describe('calls that a canister makes', () => {
  let canister: TestCanister;
  beforeAll(async () => {
    canister = new TestCanister(createSandbox(), await compileWat(MODULE));
    canister.install();
  });

  const run = (method: string, rules: Partial<OutgoingCallRules> | null = {}, freezing = 0n) => {
    const { call } = apiInput('update');
    const outgoing = rules === null ? null : { ...FREE, ...rules };
    const ran = canister.update(method, {
      call: { ...call, outgoing },
      freezingThreshold: freezing,
    });
    const reply = replyOf(ran);
    const view =
      typeof reply === 'string' ? undefined : new DataView(reply.buffer, reply.byteOffset);
    const results = [];
    for (let at = 0; view !== undefined && at < view.byteLength; at += 12) {
      results.push([view.getUint32(at, true), view.getBigUint64(at + 4, true)]);
    }
    return { results, text: typeof reply === 'string' ? reply : '', calls: ran.effects.calls };
  };

  it('are told with all that belongs to them, and paid at once', () => {
    const { results, calls } = run('one');
    expect(results).toEqual([[0, BALANCE - COST - 6000n - 70n]]);
    expect(calls).toEqual([
      {
        receiver: CALLEE,
        methodName: 'method',
        arg: new TextEncoder().encode('method'),
        cycles: 70n,
        onReply: { functionIndex: 1, env: 0xff_ff_ff_ffn },
        onReject: { functionIndex: 3, env: 4n },
        onCleanup: { functionIndex: 5, env: 6n },
        timeoutSeconds: null,
      },
    ]);
    expect(run('timed').calls).toMatchObject([{ timeoutSeconds: 12, onCleanup: null }]);
  });

  it('are dropped with their cycles when another is begun, or when they are not performed', () => {
    const dropped = run('dropped');
    expect(dropped.results).toEqual([[0, BALANCE - COST]]);
    expect(dropped.calls).toMatchObject([{ cycles: 0n }]);
    expect(run('unfinished').calls).toEqual([]);
  });

  it.each([
    ['the queue to the receiver is full', { openCalls: [[CALLEE, 500]] }, 0],
    ['the queue has room for one', { openCalls: [[CALLEE, 499]] }, 1],
    ['other queues are full', { openCalls: [[CANISTER, 500]] }, 2],
    ['no callback is free', { freeCallbacks: 0 }, 0],
    ['one callback is free', { freeCallbacks: 1 }, 1],
    ['no memory is free', { freeMessageBytes: 5 }, 0],
    ['there is memory for one', { freeMessageBytes: 6 }, 1],
    ['calls are not possible here', null, 0],
  ] as const)('are refused with 2 and cost nothing when %s', (_why, rules, made) => {
    const { results, calls } = run('two', rules as Partial<OutgoingCallRules> | null);
    expect(results.map(([code]) => code)).toEqual([made > 0 ? 0 : 2, made > 1 ? 0 : 2]);
    expect(results[1]?.[1]).toBe(BALANCE - BigInt(made) * COST);
    expect(calls).toHaveLength(made);
  });

  it('are refused when the balance would fall under the freezing threshold', () => {
    expect(run('two', {}, BALANCE - COST).calls).toHaveLength(1);
    expect(run('two', {}, BALANCE - COST + 1n).calls).toHaveLength(0);
  });

  it.each([
    ['nothing_begun', 'ic0.call_data_append called when no call is under construction.'],
    ['performed_twice', 'ic0.call_perform called when no call is under construction.'],
    ['two_cleanups', 'ic0.call_on_cleanup can be called at most once'],
    ['two_timeouts', 'a timeout is already set'],
  ] as const)('violate the contract: %s', (method, text) => {
    expect(run(method).text).toMatch(/^IC0504: Canister violated contract: /);
    expect(run(method).text).toContain(text);
  });

  it('go to a method whose name is made readable', () => {
    expect(run('no_text').calls).toMatchObject([{ methodName: '\ufffd' }]);
  });

  it('cannot be made in a query', () => {
    expect(replyOf(canister.query('ask'))).toBe(
      'IC0504: Canister violated contract: "ic0_call_new" cannot be executed in non replicated query mode',
    );
  });
});
