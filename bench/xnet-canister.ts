import type { HttpAgent } from '@icp-sdk/core/agent';
import { polling } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { managementCanister } from '../tests/support/management.ts';
import { compileWat } from '../tests/support/wat.ts';

/**
 * A canister that calls `pong` of another one: `start` takes u32 lanes, u32 calls to follow (both
 * little-endian) and the callee; whenever an answer comes, the next call follows in that round. Query
 * `state`: u32 answered, rejected, received. Query `times`: u64 block times of the first 1,000 answers.
 */
const PING_WAT = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory 1)
  (data (i32.const 100) "pong")
  (table 3 funcref)
  (elem (i32.const 1) $on_reply $on_reject)
  (func $count (param $at i32) (param $by i32)
    (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (local.get $by))))
  (func $send
    (call $new (i32.const 208) (i32.load (i32.const 16)) (i32.const 100) (i32.const 4)
      (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 0))
    (if (call $perform) (then (call $count (i32.const 4) (i32.const 1)))))
  (func $next
    (if (i32.load (i32.const 12)) (then
      (call $count (i32.const 12) (i32.const -1))
      (call $send))))
  (func $note
    (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 1000)) (then
      (i64.store offset=1024 (i32.mul (i32.load (i32.const 0)) (i32.const 8)) (call $time)))))
  (func $on_reply (param i32) (call $note) (call $count (i32.const 0) (i32.const 1)) (call $next))
  (func $on_reject (param i32) (call $count (i32.const 4) (i32.const 1)) (call $next))
  (func (export "canister_update start") (local $lanes i32)
    (call $copy (i32.const 200) (i32.const 0) (call $size))
    (i32.store (i32.const 16) (i32.sub (call $size) (i32.const 8)))
    (i32.store (i32.const 12) (i32.load (i32.const 204)))
    (local.set $lanes (i32.load (i32.const 200)))
    (block $done (loop $more
      (br_if $done (i32.eqz (local.get $lanes)))
      (call $send)
      (local.set $lanes (i32.sub (local.get $lanes) (i32.const 1)))
      (br $more)))
    (call $reply))
  (func (export "canister_update pong") (call $count (i32.const 8) (i32.const 1)) (call $reply))
  (func (export "canister_query state") (call $append (i32.const 0) (i32.const 12)) (call $reply))
  (func (export "canister_query times") (call $append (i32.const 1024) (i32.const 8000)) (call $reply)))`;

export interface PingState {
  readonly answered: number;
  readonly rejected: number;
  readonly received: number;
}

/** Installs a pinger on the subnet whose first canister id is given, as hex. */
export async function installPinger(agent: HttpAgent, range: string): Promise<Principal> {
  const { canister_id } = await managementCanister(
    agent,
    Principal.fromHex(range),
  ).provisional_create_canister_with_cycles({
    amount: [1_000_000_000_000_000n],
    settings: [],
    specified_id: [],
  });
  await managementCanister(agent, canister_id).install_code({
    mode: { install: null },
    canister_id,
    wasm_module: await compileWat(PING_WAT),
    arg: new Uint8Array(IDL.encode([], [])),
  });
  return canister_id;
}

/** Begins `lanes` calls of `callee` at once, and `following` more, one after each answer. */
export async function startPings(
  agent: HttpAgent,
  pinger: Principal,
  { callee, lanes, following }: { callee: Principal; lanes: number; following: number },
): Promise<void> {
  const id = callee.toUint8Array();
  const arg = new Uint8Array(8 + id.length);
  const view = new DataView(arg.buffer);
  view.setUint32(0, lanes, true);
  view.setUint32(4, following, true);
  arg.set(id, 8);
  const sent = await agent.call(pinger, { methodName: 'start', arg, callSync: false });
  await polling.pollForResponse(agent, { canisterId: pinger }, sent.requestId);
}

async function ask(agent: HttpAgent, canisterId: Principal, methodName: string): Promise<DataView> {
  const answer = await agent.query(canisterId, { methodName, arg: new Uint8Array(0) });
  if (answer.status !== 'replied') {
    throw new Error(answer.reject_message);
  }
  return new DataView(Uint8Array.from(answer.reply.arg).buffer);
}

/** Block times, ns, at which the first answers came. */
export async function answerTimes(agent: HttpAgent, pinger: Principal): Promise<readonly bigint[]> {
  const { answered } = await stateOf(agent, pinger);
  const view = await ask(agent, pinger, 'times');
  const count = Math.min(answered, view.byteLength / 8);
  return Array.from({ length: count }, (_, at) => view.getBigUint64(at * 8, true));
}

export async function stateOf(agent: HttpAgent, canisterId: Principal): Promise<PingState> {
  const view = await ask(agent, canisterId, 'state');
  const at = (offset: number): number => view.getUint32(offset, true);
  return { answered: at(0), rejected: at(4), received: at(8) };
}
