import type { HttpAgent } from '@icp-sdk/core/agent';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import type { Principal } from '@icp-sdk/core/principal';
import { CALLER_WAT } from './caller-wat.ts';
import { KEEPER_WAT, withCustomSection } from './keeper-wat.ts';
import {
  forwardingBy,
  queriesOf,
  updatesOf,
  type Caller,
  type Forwarding,
} from './management-agent.ts';
import { someSettings } from './management-interface.ts';
import { TestReplica } from './test-replica.ts';
import { compileWat } from './wat.ts';

const NO_BYTES = new Uint8Array(0);

export function identity(seed: number): Ed25519KeyIdentity {
  return Ed25519KeyIdentity.generate(new Uint8Array(32).fill(seed));
}

export const OWNER = identity(21);
export const STRANGER = identity(22);

/** One replica with a canister that keeps things and one that forwards calls, both of one owner. */
export interface ManagementScene {
  readonly replica: TestReplica;
  readonly keeper: Uint8Array;
  readonly agent: HttpAgent;
  readonly canister: Principal;
  readonly forwarder: Principal;
  /** As the controller, about `canister` unless the argument names another. */
  readonly update: Caller;
  readonly query: Caller;
  readonly stranger: Caller;
  readonly strangerQuery: Caller;
  readonly byCanister: Forwarding;
  create(): Promise<Principal>;
  set(given: Readonly<Record<string, unknown>>, caller?: Caller): Promise<unknown>;
}

export async function managementScene(): Promise<ManagementScene> {
  const replica = new TestReplica();
  const keeper = withCustomSection(await compileWat(KEEPER_WAT), 'icp:private notes', 'for owners');
  const agent = await replica.agent(OWNER);
  const strangerAgent = await replica.agent(STRANGER);
  const anybody = updatesOf(agent, replica.firstCanisterId());
  const create = async (): Promise<Principal> => {
    const request = { amount: [10n ** 14n], settings: [], specified_id: [] };
    const made = await anybody('provisional_create_canister_with_cycles', request);
    return made['canister_id'] as Principal;
  };
  const canister = await create();
  const forwarder = await create();
  const update = updatesOf(agent, canister);
  const fresh = { mode: { install: null }, arg: NO_BYTES };
  await update('install_code', { ...fresh, wasm_module: keeper });
  const wasm_module = await compileWat(CALLER_WAT);
  await update('install_code', { ...fresh, canister_id: forwarder, wasm_module });
  return {
    replica,
    keeper,
    agent,
    canister,
    forwarder,
    update,
    query: queriesOf(agent, canister),
    stranger: updatesOf(strangerAgent, canister),
    strangerQuery: queriesOf(strangerAgent, canister),
    byCanister: forwardingBy(agent, forwarder, () => replica.round()),
    create,
    set: (given, caller = update) => caller('update_settings', { settings: someSettings(given) }),
  };
}
