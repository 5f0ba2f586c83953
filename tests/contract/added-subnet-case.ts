import assert from 'node:assert/strict';
import { Actor } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import type { Principal } from '@icp-sdk/core/principal';
import { present } from '../../src/base/assert.ts';
import type { SubnetId } from '../../src/protocol/types/ids.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';
import {
  assertRefused,
  type ContractCase,
  type ContractHost,
  passUntil,
  valueOf,
} from './contract-host.ts';
import { agentFor, createCanister } from './subnet-cases.ts';

/** Counts, and has another one count. */
const RELAY = `
persistent actor {
  var count : Nat = 0;
  public func inc() : async Nat { count += 1; count };
  public func ask(id : Text) : async Nat {
    let other = actor (id) : actor { inc : () -> async Nat };
    await other.inc();
  };
}`;

interface Relay {
  inc(): Promise<bigint>;
  ask(id: string): Promise<bigint>;
}

const relayInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    inc: IDL.Func([], [IDL.Nat], []),
    ask: IDL.Func([IDL.Text], [IDL.Nat], []),
  });

async function addsASubnet(host: ContractHost): Promise<void> {
  const { network } = host;
  const before = network.topology().subnets.length;
  const version = await network.registry.version();
  const spec = { type: 'application', nodes: 1 } as const;
  assertRefused(
    await network.registry.addSubnet({ ...spec, nodes: 0 }),
    'INVALID_ARGUMENT',
    'a subnet of no nodes',
  );
  const id: SubnetId = valueOf(await network.registry.addSubnet(spec), 'a subnet is added');
  const added = present(network.topology().subnets[before], 'the topology has it');
  assert.deepEqual([added.subnetId, added.nodes.length, added.type], [id, 1, 'application']);
  assert.equal(await network.registry.version(), version + 1);
  assert.equal((await network.registry.record(id)).members[0], added.nodes[0]?.nodeId);
  const own = present(added.nodes[0], 'it has a node').nodeId;
  const isReady = async (): Promise<boolean> => {
    const { nodes } = await network.snapshot();
    return (nodes.find(({ nodeId }) => nodeId === own)?.heights.certified ?? 0) >= 2;
  };
  await passUntil(host, isReady, 120_000, 'the new subnet certifies blocks');
  const agent = await agentFor(network);
  const { wasm } = await compileMotoko(RELAY);
  const install = async (canisterId: Principal): Promise<Relay> => {
    await managementCanister(agent, canisterId).install_code({
      mode: { install: null },
      canister_id: canisterId,
      wasm_module: wasm,
      arg: new Uint8Array(IDL.encode([], [])),
    });
    return Actor.createActor<Relay>(relayInterface, { agent, canisterId });
  };
  const old = present(network.topology().subnets[1], 'there is a second subnet');
  const oldId = await createCanister(agent, old);
  const newId = await createCanister(agent, added);
  const [there, here] = [await install(oldId), await install(newId)];
  assert.equal(await here.inc(), 1n);
  assert.equal(await there.ask(newId.toText()), 2n, 'the old subnet calls the new one');
  assert.equal(await here.ask(oldId.toText()), 1n, 'the new subnet calls the old one');
}

export const ADDED_SUBNET_CASE: ContractCase = {
  title: 'takes another subnet while it runs, and canisters call each other across',
  run: addsASubnet,
};
