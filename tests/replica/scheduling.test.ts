import { Actor } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { bytesToHex } from '../../src/base/hex.ts';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import type { Batch, SignedIngress } from '../../src/protocol/interfaces/replica.ts';
import { executeBatch } from '../../src/protocol/messaging/message-routing.ts';
import type { ReplicatedState } from '../../src/protocol/replicated-state/replicated-state.ts';
import type { CanisterId, MessageId, PrincipalId } from '../../src/protocol/types/ids.ts';
import { managementCanister } from '../support/management.ts';
import { TEST_LIMITS, TestReplica } from '../support/test-replica.ts';
import { compileWat } from '../support/wat.ts';

/** Sets a timer, certifies a byte, accepts only `open` from strangers, counts timer and heartbeat runs. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "data_certificate_size" (func $size (result i32)))
  (import "ic0" "data_certificate_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_method_name_size" (func $name (result i32)))
  (import "ic0" "accept_message" (func $accept))
  (memory 1)
  (data (i32.const 0) "certified")
  (func (export "canister_inspect_message")
    (if (i32.eq (call $name) (i32.const 4)) (then (call $accept))))
  (func (export "canister_update open")
    (call $certify (i32.const 0) (i32.const 9))
    (drop (call $timer (i64.add (call $time) (i64.const 5000000000))))
    (call $reply))
  (func (export "canister_update closed") (call $reply))
  (func (export "canister_global_timer") (i32.store8 (i32.const 50) (i32.add (i32.load8_u (i32.const 50)) (i32.const 1))))
  (func (export "canister_composite_query mixed") (call $reply))
  (func (export "canister_query ticks") (call $append (i32.const 50) (i32.const 1)) (call $reply))
  (func (export "canister_query certificate")
    (call $copy (i32.const 100) (i32.const 0) (call $size))
    (call $append (i32.const 100) (call $size))
    (call $reply)))
`;

const HEARTBEAT = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (func (export "canister_heartbeat"))
  (func (export "canister_update hello") (call $reply)))
`;

const sender = '04' as PrincipalId;

function ingress(
  n: number,
  canisterId: CanisterId,
  methodName: string,
  expiryNs: bigint,
): SignedIngress {
  return {
    messageId: n.toString(16).padStart(64, '0') as MessageId,
    envelope: new Uint8Array(0),
    sender,
    canisterId,
    effectiveCanisterId: canisterId,
    methodName,
    arg: new Uint8Array(0),
    nonce: null,
    ingressExpiryNs: expiryNs,
  };
}

describe('rounds', () => {
  const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(3));
  const replica = new TestReplica();
  let ids: CanisterId[] = [];

  beforeAll(async () => {
    const wasm = await compileWat(MODULE);
    const management = managementCanister(await replica.agent(identity), replica.firstCanisterId());
    for (let i = 0; i < 3; i += 1) {
      const created = await management.provisional_create_canister_with_cycles({
        amount: [],
        settings: [],
        specified_id: i === 2 ? [Principal.fromHex(canisterIdFromU64(77n))] : [],
      });
      await management.install_code({
        mode: { install: null },
        canister_id: created.canister_id,
        wasm_module: wasm,
        arg: new Uint8Array(0),
      });
      ids = [...ids, bytesToHex(created.canister_id.toUint8Array()) as CanisterId];
    }
  }, 60_000);

  const batchOn = (
    state: ReplicatedState,
    messages: readonly SignedIngress[],
    timeNs = state.timeNs,
  ): Batch => ({
    height: state.height + 1,
    timeNs,
    randomness: new Uint8Array(32),
    ingress: messages,
    registryVersion: 1,
    requiresFullStateHash: false,
    blockMaker: replica.crypto.nodeId,
  });
  const statusOf = (state: ReplicatedState, message: SignedIngress): string => {
    const status = state.ingressHistory.entries.get(message.messageId)?.status;
    return status?.kind === 'rejected'
      ? `${status.errorCode} ${status.message}`
      : (status?.kind ?? 'unknown');
  };

  it('gives a specified id as it was asked for', () => {
    expect(ids).toEqual([canisterIdFromU64(0n), canisterIdFromU64(1n), canisterIdFromU64(77n)]);
  });

  it('runs one message a round each in turn when the round is full, and begins with the next', () => {
    const [a, b] = ids as [CanisterId, CanisterId];
    const env = { ...replica.env, limits: { ...TEST_LIMITS, roundInstructions: 1n } };
    let state = replica.states.latestState();
    const expiry = state.timeNs + 60_000_000_000n;
    const messages = [
      ingress(1, a, 'open', expiry),
      ingress(2, a, 'open', expiry),
      ingress(3, b, 'open', expiry),
      ingress(4, b, 'open', expiry),
    ];
    const finished: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const executed = replica.run(
        executeBatch(state, batchOn(state, round === 0 ? messages : []), env),
      );
      state = executed.state;
      for (const event of executed.trace) {
        if (event.kind === 'messageExecuted') {
          finished.push(event.messageId.slice(-1));
        }
      }
    }
    expect(finished).toEqual(['1', '3', '2', '4']);
  });

  it('drops waiting messages that expire, skips known ones, refuses unknown canisters', () => {
    const [a] = ids as [CanisterId];
    const env = { ...replica.env, limits: { ...TEST_LIMITS, roundInstructions: 1n } };
    const start = replica.states.latestState();
    const first = ingress(11, a, 'open', start.timeNs + 60_000_000_000n);
    const late = ingress(12, a, 'open', start.timeNs + 1n);
    const lost = ingress(13, canisterIdFromU64(500n), 'open', start.timeNs + 60_000_000_000n);
    const one = replica.run(
      executeBatch(start, batchOn(start, [first, late, lost, first]), env),
    ).state;
    expect(statusOf(one, first)).toBe('replied');
    expect(statusOf(one, late)).toBe('received');
    expect(statusOf(one, lost)).toMatch(/^301 Canister .* not found$/);
    const two = replica.run(executeBatch(one, batchOn(one, [first], one.timeNs + 2n), env));
    expect(statusOf(two.state, late)).toMatch(
      /^202 Ingress message .* timed out waiting to start executing\.$/,
    );
    expect(two.trace.filter((event) => event.kind === 'messageExecuted')).toHaveLength(1);
  });

  it('lets messages through beside a heartbeat that fills the round', async () => {
    const wasm = await compileWat(HEARTBEAT);
    const agent = await replica.agent(identity);
    const management = managementCanister(agent, replica.firstCanisterId());
    const created = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    await management.install_code({
      mode: { install: null },
      canister_id: created.canister_id,
      wasm_module: wasm,
      arg: new Uint8Array(0),
    });
    const busy = bytesToHex(created.canister_id.toUint8Array()) as CanisterId;
    const [a] = ids as [CanisterId];
    const env = { ...replica.env, limits: { ...TEST_LIMITS, roundInstructions: 1n } };
    let state = replica.states.latestState();
    const expiry = state.timeNs + 60_000_000_000n;
    const messages = [ingress(41, a, 'open', expiry), ingress(42, busy, 'hello', expiry)];
    for (let round = 0; round < 4; round += 1) {
      const batch = batchOn(state, round === 0 ? messages : []);
      state = replica.run(executeBatch(state, batch, env)).state;
    }
    expect(messages.map((message) => statusOf(state, message))).toEqual(['replied', 'replied']);
    await management.stop_canister({ canister_id: created.canister_id });
  });

  it('refuses a composite query in replicated mode', () => {
    const [a] = ids as [CanisterId];
    const start = replica.states.latestState();
    const call = ingress(51, a, 'mixed', start.timeNs + 60_000_000_000n);
    const { state } = replica.run(executeBatch(start, batchOn(start, [call]), replica.env));
    expect(statusOf(state, call)).toBe('527 Composite query cannot be called in replicated mode');
  });

  it('charges induction and execution, and a frozen canister takes no calls', () => {
    const [a] = ids as [CanisterId];
    const start = replica.states.latestState();
    const before = present(start.canisters.get(a), 'exists');
    const call = ingress(21, a, 'open', start.timeNs + 60_000_000_000n);
    const executed = replica.run(executeBatch(start, batchOn(start, [call]), replica.env));
    const after = present(executed.state.canisters.get(a), 'exists');
    const event = executed.trace.find((fact) => fact.kind === 'messageExecuted');
    const instructions = event?.kind === 'messageExecuted' ? event.instructions : 0n;
    // One node of thirteen; 4 bytes of method name. What is not used of the prepaid limit comes back.
    const limit = replica.env.limits.messageInstructions;
    const induction = (1_200_000n + 2000n * 4n) / 13n;
    const execution = (5_000_000n + limit) / 13n - (limit - instructions) / 13n;
    expect(before.cycles - after.cycles).toBe(induction + execution);
    expect(after.consumed).toMatchObject({
      ingressInduction: before.consumed.ingressInduction + induction,
      instructions: before.consumed.instructions + execution,
    });
    const poor = { ...start, canisters: start.canisters.set(a, { ...before, cycles: 1n }) };
    const refused = replica.run(executeBatch(poor, batchOn(poor, [call]), replica.env)).state;
    expect(statusOf(refused, call)).toMatch(/^207 Canister .* is out of cycles$/);
  });

  it('uninstalls a canister that cannot pay its storage', () => {
    const [a] = ids as [CanisterId];
    const start = replica.states.latestState();
    const poor = { ...present(start.canisters.get(a), 'exists'), cycles: 1n };
    const state = { ...start, canisters: start.canisters.set(a, poor) };
    const later = batchOn(state, [], state.timeNs + 11_000_000_000n);
    const canister = replica.run(executeBatch(state, later, replica.env)).state.canisters.get(a);
    expect(canister?.execution).toBeNull();
    expect(canister?.cycles).toBe(0n);
  });

  it('is deterministic and never runs back in time', () => {
    const [a] = ids as [CanisterId];
    const start = replica.states.latestState();
    const call = ingress(31, a, 'open', start.timeNs + 60_000_000_000n);
    const batch = batchOn(start, [call], start.timeNs - 5n);
    const one = replica.run(executeBatch(start, batch, replica.env));
    const two = replica.run(executeBatch(start, batch, replica.env));
    expect(one.trace).toEqual(two.trace);
    expect(one.state.timeNs).toBe(start.timeNs);
    expect(one.trace.some((event) => event.kind === 'criticalError')).toBe(true);
  });

  it('asks the canister before it takes a call, and runs timer and data certificate', async () => {
    const agent = await replica.agent(Ed25519KeyIdentity.generate(new Uint8Array(32).fill(5)));
    const canisterId = replica.principalOf(present(ids[2], 'three canisters'));
    const factory: IDL.InterfaceFactory = () =>
      IDL.Service({ open: IDL.Func([], []), closed: IDL.Func([], []) });
    const actor = Actor.createActor<{ open(): Promise<void>; closed(): Promise<void> }>(factory, {
      agent,
      canisterId,
    });
    const raw = async (methodName: string): Promise<Uint8Array> => {
      const answer = await agent.query(canisterId, { methodName, arg: new Uint8Array(0) });
      if (answer.status !== 'replied') {
        throw new Error(answer.reject_message);
      }
      return answer.reply.arg;
    };
    const ticks = async (): Promise<number> => (await raw('ticks'))[0] ?? -1;
    await expect(actor.closed()).rejects.toThrow(/Canister rejected the message[^]*IC0406/);
    // The reply is empty, which is no Candid: the agent's complaint comes after the certified call.
    await actor.open().catch(() => undefined);
    expect(await ticks()).toBe(0);
    const now = replica.states.latestState().timeNs;
    replica.round(false, now + 4_999_999_999n);
    expect(await ticks()).toBe(0);
    replica.round(false, now + 5_000_000_000n);
    replica.round(false, now + 15_000_000_000n);
    expect(await ticks()).toBe(1);
    const certificate = await raw('certificate');
    expect(Buffer.from(certificate).includes(Buffer.from('certified'))).toBe(true);
    expect(bytesToHex(certificate.subarray(0, 3))).toBe('d9d9f7');
  });
});
