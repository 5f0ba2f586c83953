import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { createTopologyReader } from '../../src/protocol/canonical-state/canonical-state.ts';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import type { RoundTask } from '../../src/protocol/execution/run-on-sandbox.ts';
import type { SignedIngress } from '../../src/protocol/interfaces/replica.ts';
import type { WasmHost } from '../../src/protocol/interfaces/wasm-host.ts';
import { executeBatch } from '../../src/protocol/messaging/message-routing.ts';
import { genesisState } from '../../src/protocol/replicated-state/replicated-state.ts';
import { restoreCheckpoint } from '../../src/protocol/state-manager/restore-checkpoint.ts';
import {
  createStateManager,
  type StateManager,
} from '../../src/protocol/state-manager/state-manager.ts';
import type { CanisterId, MessageId, PrincipalId } from '../../src/protocol/types/ids.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { TestReplica } from '../support/test-replica.ts';
import { compileWat } from '../support/wat.ts';
import { runTask } from '../support/run-task.ts';

/** Uses heap, globals and stable memory; can trap, grow, set a timer and fail in pre_upgrade. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (memory 1)
  (global $count (mut i32) (i32.const 0))
  (func $step
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store (i32.mul (global.get $count) (i32.const 977)) (global.get $count))
    (i32.store (i32.const 0) (global.get $count))
    (call $certify (i32.const 0) (i32.const 4)))
  (func (export "canister_init") (drop (call $grow (i64.const 1))))
  (func (export "canister_pre_upgrade")
    (if (i32.eq (i32.rem_u (global.get $count) (i32.const 5)) (i32.const 4)) (then (unreachable)))
    (call $write (i64.const 8) (i64.const 0) (i64.const 4)))
  (func (export "canister_post_upgrade") (call $step))
  (func (export "canister_global_timer") (call $step))
  (func (export "canister_update step") (call $step) (call $reply))
  (func (export "canister_query peek") (call $step) (call $reply))
  (func (export "canister_update trap") (call $step) (drop (memory.grow (i32.const 1))) (unreachable))
  (func (export "canister_update grow") (drop (memory.grow (i32.const 1))) (call $step) (call $reply))
  (func (export "canister_update alarm")
    (drop (call $timer (i64.add (call $time) (i64.const 1500000000)))) (call $reply))
  (func (export "canister_update spin") (call $step) (loop $again (br $again))))
`;

const CALLS = [
  'step',
  'peek',
  'trap',
  'grow',
  'alarm',
  'spin',
  'upgrade',
  'reinstall',
  'stop',
  'start',
] as const;
type Call = readonly [canister: number, name: (typeof CALLS)[number]];
const rounds: fc.Arbitrary<Call[][]> = fc.array(
  fc.array(fc.tuple(fc.nat(1), fc.constantFrom(...CALLS)), { maxLength: 4 }),
  { minLength: 3, maxLength: 8 },
);

const sender = '04' as PrincipalId;
const target = (canisterId: CanisterId): { canister_id: Principal } => ({
  canister_id: Principal.fromHex(canisterId),
});

class Node {
  states: StateManager;
  private readonly replica: TestReplica;
  private sandbox: WasmHost = createSandbox();

  constructor(replica: TestReplica) {
    this.replica = replica;
    const { genesis } = replica.dealt;
    this.states = createStateManager(
      createTopologyReader(genesis, replica.rootKey),
      genesisState(genesis),
    );
  }

  /** Executes a round and returns root and checkpoint hash. */
  round(ingress: readonly SignedIngress[]): readonly unknown[] {
    const state = this.states.latestState();
    const task: RoundTask<{ state: typeof state; instructions: bigint }> = executeBatch(
      state,
      {
        height: state.height + 1,
        timeNs: state.timeNs + 1_000_000_000n,
        randomness: new Uint8Array(32),
        ingress,
        registryVersion: 1,
        requiresFullStateHash: true,
        blockMaker: this.replica.crypto.nodeId,
      },
      {
        ...this.replica.env,
        limits: { ...this.replica.env.limits, messageInstructions: 100_000n },
      },
    );
    const after = runTask(task, (request) => this.sandbox.handle(request));
    const root = this.states.commit(after.state, true);
    return [root, this.states.checkpointHashAt(after.state.height), after.instructions];
  }

  /** The sandbox forgets everything, as after a crash of its worker. */
  loseSandbox(): void {
    this.sandbox.close();
    this.sandbox = createSandbox();
  }

  /** Goes on from its checkpoint in the same process: the sandbox still has its memories. */
  restart(): void {
    const checkpoint = present(this.states.latestCheckpoint(), 'every round makes one');
    const restored = restoreCheckpoint(checkpoint.hash, checkpoint.encodedManifest, {
      chunk: (hash) => checkpoint.chunk(hash),
      isVerified: false,
    });
    if (!restored.ok) {
      throw new Error(restored.error.message);
    }
    this.states.reset(restored.value.state, restored.value);
  }

  close(): void {
    this.sandbox.close();
  }
}

describe('execution', () => {
  const replica = new TestReplica();
  const ids = [canisterIdFromU64(0n), canisterIdFromU64(1n)];
  let wasm: Uint8Array;

  beforeAll(async () => {
    wasm = await compileWat(MODULE);
  });

  const management = (
    methodName: string,
    canisterId: CanisterId | undefined,
    type: IDL.Type,
    value: unknown,
  ) => ({
    canisterId: '' as CanisterId,
    effectiveCanisterId: (canisterId ?? '') as PrincipalId,
    methodName,
    arg: Uint8Array.from(IDL.encode([type], [value])),
  });
  const install = (canisterId: CanisterId, mode: object) => {
    const Mode = IDL.Variant({
      install: IDL.Null,
      reinstall: IDL.Null,
      upgrade: IDL.Opt(IDL.Record({})),
    });
    const Argument = IDL.Record({
      canister_id: IDL.Principal,
      mode: Mode,
      wasm_module: IDL.Vec(IDL.Nat8),
      arg: IDL.Vec(IDL.Nat8),
    });
    const value = { ...target(canisterId), mode, wasm_module: wasm, arg: new Uint8Array(0) };
    return management('install_code', canisterId, Argument, value);
  };
  const callOf = ([index, name]: Call) => {
    const canisterId = present(ids[index], 'two canisters');
    switch (name) {
      case 'upgrade':
        return install(canisterId, { upgrade: [] });
      case 'reinstall':
        return install(canisterId, { reinstall: null });
      case 'stop':
      case 'start':
        return management(
          `${name}_canister`,
          canisterId,
          IDL.Record({ canister_id: IDL.Principal }),
          target(canisterId),
        );
      default:
        return {
          canisterId,
          effectiveCanisterId: canisterId,
          methodName: name,
          arg: new Uint8Array(0),
        };
    }
  };

  it('comes to the same state whatever the sandbox still holds', () => {
    fc.assert(
      fc.property(rounds, (history) => {
        const steady = new Node(replica);
        const forgetful = new Node(replica);
        const restarting = new Node(replica);
        let number = 0;
        const signed = (call: ReturnType<typeof callOf>): SignedIngress => {
          number += 1;
          return {
            ...call,
            messageId: number.toString(16).padStart(64, '0') as MessageId,
            envelope: new Uint8Array(0),
            sender,
            nonce: null,
            ingressExpiryNs: steady.states.latestState().timeNs + 60_000_000_000n,
          };
        };
        const create = management(
          'provisional_create_canister_with_cycles',
          undefined,
          IDL.Record({}),
          {},
        );
        const setup = [[create, create], ids.map((id) => install(id, { install: null }))];
        for (const calls of [...setup, ...history.map((round) => round.map(callOf))]) {
          const ingress = calls.map(signed);
          const expected = steady.round(ingress);
          forgetful.loseSandbox();
          expect(forgetful.round(ingress)).toEqual(expected);
          restarting.restart();
          expect(restarting.round(ingress)).toEqual(expected);
        }
        const state = steady.states.latestState();
        expect(state.canisters.size).toBe(2);
        steady.close();
        forgetful.close();
        restarting.close();
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
