import { HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToBytes } from '../../src/protocol/crypto/principal.ts';
import { nativeStackSize } from '../../src/sandbox/native-stack.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { deepWat } from '../support/deep-wat.ts';
import { compileWat } from '../support/wat.ts';

const STACK_BYTES = 64 * 1024;
const CANISTER = Principal.fromUint8Array(principalToBytes(canisterIdFromU64(0n)));

function networkWith(wasmStackBytes: number | null) {
  return createSimNetwork(
    { ...defaultNetworkSpec({ seed: 'stack', nodes: 1, pace: 'mainnet' }), wasmStackBytes },
    { crypto: 'insecure-test-crypto', drive: 'demand', startNs: BigInt(Date.now()) * 1_000_000n },
  );
}

/** Whether calls one deeper than `STACK_BYTES` holds are answered. */
async function goesDeeper(wasmStackBytes: number | null): Promise<boolean> {
  const network = networkWith(wasmStackBytes);
  network.runFor(1000);
  const agent = HttpAgent.createSync({
    host: 'http://subnet.test',
    fetch: network.fetch,
    rootKey: network.rootKey(),
    verifyQuerySignatures: false,
  });
  const manage = async (methodName: string, type: IDL.Type, value: unknown): Promise<void> => {
    const fields = { methodName, arg: IDL.encode([type], [value]), callSync: false };
    const effective = { effectiveCanisterId: CANISTER };
    await agent.call(Principal.managementCanister(), { ...fields, ...effective });
    network.runFor(4000);
  };
  const specified = IDL.Record({ specified_id: IDL.Principal });
  await manage('provisional_create_canister_with_cycles', specified, { specified_id: CANISTER });
  const install = IDL.Record({
    mode: IDL.Variant({ install: IDL.Null }),
    canister_id: IDL.Principal,
    wasm_module: IDL.Vec(IDL.Nat8),
    arg: IDL.Vec(IDL.Nat8),
  });
  await manage('install_code', install, {
    mode: { install: null },
    canister_id: CANISTER,
    wasm_module: await compileWat(deepWat(STACK_BYTES)),
    arg: new Uint8Array(),
  });
  const answer = await agent.query(CANISTER, { methodName: 'beyond', arg: new Uint8Array() });
  await network.close();
  return answer.status === 'replied';
}

describe('the stack of canisters on a network', () => {
  it('is what the spec asks for, or what this process gives; the snapshot tells', async () => {
    for (const [asked, given] of [
      [STACK_BYTES, STACK_BYTES],
      [null, nativeStackSize().bytes],
    ] as const) {
      const network = networkWith(asked);
      expect((await network.snapshot()).wasmStackBytes).toBe(given);
      await network.close();
    }
  });

  it('ends where the network says', async () => {
    expect(await goesDeeper(STACK_BYTES)).toBe(false);
    expect(await goesDeeper(2 * STACK_BYTES)).toBe(true);
  });
});
