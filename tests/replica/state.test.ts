import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { bytesToHex } from '../../src/base/hex.ts';
import {
  canonicalState,
  subnetTopology,
} from '../../src/protocol/canonical-state/canonical-state.ts';
import { digest } from '../../src/protocol/crypto/labeled-tree.ts';
import type { MessageOutcome } from '../../src/protocol/execution/message-outcome.ts';
import type { CanisterId, HashHex } from '../../src/protocol/types/ids.ts';
import { makeCheckpoint } from '../../src/protocol/state-manager/checkpoint.ts';
import { restoreCheckpoint } from '../../src/protocol/state-manager/restore-checkpoint.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';
import { TestReplica } from '../support/test-replica.ts';
import { QueryHandler } from '../../src/protocol/execution/query/execute-query.ts';

const SOURCE = `
import Runtime "mo:core/Runtime";
persistent actor Counter {
  var count = 0;
  transient var volatile = 0;
  public func inc() : async Nat { count += 1; volatile += 1; count };
  public query func read() : async Nat { count };
  public query func session() : async Nat { volatile };
  public func fail() : async () { count += 1000; Runtime.trap("no") };
  system func heartbeat() : async () { ignore 0 };
}
`;

const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(9));
const noArgs = Uint8Array.from(IDL.encode([], []));

function natOf(outcome: MessageOutcome): bigint {
  if (outcome.kind === 'rejected') {
    throw new Error(outcome.error.message);
  }
  return IDL.decode([IDL.Nat], outcome.reply)[0] as unknown as bigint;
}

describe('the state of a subnet with a Motoko actor', () => {
  const replica = new TestReplica();
  let canisterId: CanisterId;
  let wasm: Uint8Array;

  const call = async (methodName: string): Promise<void> => {
    const agent = await replica.agent(identity);
    await agent.update(replica.principalOf(canisterId), { methodName, arg: noArgs });
  };
  const query = (methodName: string, on: TestReplica = replica): bigint => {
    const call = { sender: '04' as CanisterId, canisterId, methodName, arg: noArgs };
    return natOf(on.run(new QueryHandler(on.env).execute(on.states.latestState(), call, null)));
  };
  const upgrade = async (option: object[]): Promise<void> => {
    const management = managementCanister(await replica.agent(identity), replica.firstCanisterId());
    await management.install_code({
      mode: { upgrade: option },
      canister_id: replica.principalOf(canisterId),
      wasm_module: wasm,
      arg: noArgs,
    });
  };

  beforeAll(async () => {
    ({ wasm } = await compileMotoko(SOURCE));
    const management = managementCanister(await replica.agent(identity), replica.firstCanisterId());
    const created = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    canisterId = bytesToHex(created.canister_id.toUint8Array()) as CanisterId;
    await management.install_code({
      mode: { install: null },
      canister_id: created.canister_id,
      wasm_module: wasm,
      arg: noArgs,
    });
    await call('inc');
    await call('inc');
  }, 120_000);

  it('survives a trap, and the heartbeat runs in every round', async () => {
    await expect(call('fail')).rejects.toThrow(/IC0503/);
    expect(query('read')).toBe(2n);
    const version = (): bigint =>
      present(replica.states.latestState().canisters.get(canisterId), 'exists').version;
    const before = version();
    replica.round();
    // A Motoko heartbeat is the heartbeat itself, its call to the actor and that call's reply.
    expect(version()).toBe(before + 3n);
  });

  it('needs the persistence option to upgrade, keeps the heap with it, and restarts transient state', async () => {
    expect(query('session')).toBe(2n);
    await expect(upgrade([])).rejects.toThrow(
      /Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option[^]*IC0504/,
    );
    const keep = { skip_pre_upgrade: [], wasm_memory_persistence: [{ keep: null }] };
    await upgrade([keep]);
    expect(query('read')).toBe(2n);
    expect(query('session')).toBe(0n);
    await call('inc');
    expect(query('read')).toBe(3n);
  });

  it('has the same root when the tree is built from nothing', () => {
    replica.round();
    const state = replica.states.latestState();
    const topology = subnetTopology(replica.dealt.genesis, replica.rootKey);
    const scratch = canonicalState(topology, state, undefined);
    expect(bytesToHex(digest(scratch.tree))).toBe(replica.states.stateRootAt(state.height));
  });

  it('restores from a checkpoint on a fresh node, which then computes the same roots', async () => {
    replica.round(true);
    const state = replica.states.latestState();
    const checkpoint = present(replica.states.checkpointAt(state.height), 'a checkpoint was made');
    expect(replica.states.checkpointHashAt(state.height)).toBe(checkpoint.hash);
    const restored = restoreCheckpoint(checkpoint.hash, checkpoint.encodedManifest, {
      chunk: (hash) => checkpoint.chunk(hash)?.slice(),
      isVerified: false,
    });
    if (!restored.ok) {
      throw new Error(restored.error.message);
    }
    expect(makeCheckpoint(restored.value.state).hash).toBe(checkpoint.hash);
    const twin = new TestReplica();
    const root = twin.states.reset(restored.value.state, restored.value);
    expect(root).toBe(replica.states.stateRootAt(state.height));
    expect(query('read', twin)).toBe(3n);
    for (let i = 1; i <= 3; i += 1) {
      const timeNs = state.timeNs + BigInt(i) * 1_000_000_000n;
      replica.round(true, timeNs);
      twin.round(true, timeNs);
      const height = state.height + i;
      expect(twin.states.stateRootAt(height)).toBe(replica.states.stateRootAt(height));
      expect(twin.states.checkpointHashAt(height)).toBe(replica.states.checkpointHashAt(height));
    }
  });

  it('refuses a checkpoint with a wrong manifest, a damaged chunk or a missing one', () => {
    const checkpoint = present(replica.states.latestCheckpoint(), 'a checkpoint was made');
    const { encodedManifest, hash } = checkpoint;
    const error = (
      manifest: Uint8Array,
      chunk: (id: HashHex) => Uint8Array | undefined,
    ): string => {
      const result = restoreCheckpoint(hash, manifest, { chunk, isVerified: false });
      return result.ok ? '' : result.error.code;
    };
    const all = (id: HashHex): Uint8Array | undefined => checkpoint.chunk(id);
    expect(error(encodedManifest, all)).toBe('');
    expect(error(encodedManifest.slice(0, -1), all)).toBe('WRONG_CHUNK');
    const victim = present(checkpoint.manifest.chunks[0], 'a state has chunks').hash;
    expect(error(encodedManifest, (id) => (id === victim ? undefined : all(id)))).toBe(
      'MISSING_CHUNK',
    );
    const damaged = (id: HashHex): Uint8Array | undefined => {
      const chunk = all(id)?.slice();
      if (chunk !== undefined && id === victim) {
        chunk[0] = (chunk[0] as number) ^ 1;
      }
      return chunk;
    };
    expect(error(encodedManifest, damaged)).toBe('WRONG_CHUNK');
  });
});
