import { Actor, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import './page-globals.ts';
import type { Network } from '../../src/wire/network.ts';
import { managementCanister } from './management.ts';

/**
 * Runs inside the page, bundled by `browser-agent.ts`: deploys an actor that awaits, and calls it
 * through an unmodified agent that checks certificates.
 */
export interface CallsClient {
  /** @param arg a canister the actor is told of, if it takes one */
  deploy(wasm: Uint8Array, arg: string | null): Promise<string>;
  /** Upgrades and keeps main memory; "upgraded", or what the agent threw. */
  upgrade(canisterId: string, wasm: Uint8Array): Promise<string>;
  /** Calls `name() : async Text`; what the agent threw comes back as text too. */
  text(canisterId: string, name: string): Promise<string>;
  /** The same as a query. */
  ask(canisterId: string, name: string): Promise<string>;
}

declare global {
  interface Window {
    callsClient?: Promise<CallsClient>;
  }
}

async function createClient(network: Network): Promise<CallsClient> {
  const agent = await HttpAgent.create({
    host: location.origin,
    fetch: network.fetch,
    rootKey: network.rootKey(),
    verifyQuerySignatures: true,
  });
  const first = Principal.fromHex(network.topology().subnets[0]?.canisterRanges[0]?.[0] ?? '');
  const management = managementCanister(agent, first);
  return {
    deploy: async (wasm, arg) => {
      const { canister_id } = await management.provisional_create_canister_with_cycles({
        amount: [],
        settings: [],
        specified_id: [],
      });
      const told = arg === null ? [] : [Principal.fromText(arg)];
      await management.install_code({
        mode: { install: null },
        canister_id,
        wasm_module: wasm,
        arg: IDL.encode(
          told.map(() => IDL.Principal),
          told,
        ),
      });
      return canister_id.toText();
    },
    upgrade: async (canisterId, wasm) => {
      const keep = { skip_pre_upgrade: [], wasm_memory_persistence: [{ keep: null }] };
      try {
        await management.install_code({
          mode: { upgrade: [keep] },
          canister_id: Principal.fromText(canisterId),
          wasm_module: wasm,
          arg: IDL.encode([], []),
        });
        return 'upgraded';
      } catch (error) {
        return String(error);
      }
    },
    text: (canisterId, name) => call(agent, canisterId, name, []),
    ask: (canisterId, name) => call(agent, canisterId, name, ['query']),
  };
}

async function call(
  agent: HttpAgent,
  canisterId: string,
  name: string,
  annotations: string[],
): Promise<string> {
  const factory: IDL.InterfaceFactory = () =>
    IDL.Service({ [name]: IDL.Func([], [IDL.Text], annotations) });
  const actor = Actor.createActor<Record<string, () => Promise<string>>>(factory, {
    agent,
    canisterId,
  });
  try {
    return (await actor[name]?.()) ?? '';
  } catch (error) {
    return String(error);
  }
}

if (window.networkUnderTest !== undefined) {
  window.callsClient = createClient(window.networkUnderTest);
}
