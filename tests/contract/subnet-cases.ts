import assert from 'node:assert/strict';
import { Actor, Certificate, CanisterStatus, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';
import { present } from '../../src/base/assert.ts';
import { hexToBytes } from '../../src/base/hex.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { NetworkSpec, Pace } from '../../src/wire/network-spec.ts';
import type { TopologySubnet } from '../../src/wire/network.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';
import {
  assertRefused,
  type ContractCase,
  type ContractHost,
  type ContractNetwork,
  passUntil,
  valueOf,
} from './contract-host.ts';

/** What every host of `Network` must do with two subnets. */

/** @param nodes of the second subnet; the root has one */
export function twoSubnetsSpec(pace: Pace, nodes: number): NetworkSpec {
  return {
    ...defaultNetworkSpec({ seed: 'two subnets', pace }),
    subnets: [
      { type: 'system', nodes: 1 },
      { type: 'application', nodes },
    ],
  };
}

const COUNTER = `
persistent actor {
  var count : Nat = 0;
  public func inc() : async Nat { count += 1; count };
  public query func get() : async Nat { count };
}`;

interface Counter {
  inc(): Promise<bigint>;
  get(): Promise<bigint>;
}

const counterInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    inc: IDL.Func([], [IDL.Nat], []),
    get: IDL.Func([], [IDL.Nat], ['query']),
  });

interface Creation {
  provisional_create_canister_with_cycles(arg: object): Promise<{ canister_id: Principal }>;
}

const creationInterface: IDL.InterfaceFactory = () => {
  const argument = IDL.Record({ specified_id: IDL.Principal });
  const made = IDL.Record({ canister_id: IDL.Principal });
  return IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func([argument], [made], []),
  });
};

function subnetsOf(network: ContractNetwork): readonly [TopologySubnet, TopologySubnet] {
  const [root, second, ...others] = network.topology().subnets;
  assert.ok(root !== undefined && second !== undefined && others.length === 0, 'two subnets');
  return [root, second];
}

function firstId(subnet: TopologySubnet): Principal {
  const first = present(subnet.canisterRanges[0], 'the subnet has a range')[0];
  return Principal.fromUint8Array(present(hexToBytes(first), 'ids are hex'));
}

async function finalizedOf(network: ContractNetwork, { nodes }: TopologySubnet): Promise<number> {
  const snapshot = await network.snapshot();
  const ids = nodes.map(({ nodeId }) => nodeId);
  const own = snapshot.nodes.filter(({ nodeId }) => ids.includes(nodeId));
  return Math.max(0, ...own.map(({ heights }) => heights.finalized));
}

async function passBlocks(host: ContractHost, subnet: TopologySubnet, blocks: number) {
  const target = (await finalizedOf(host.network, subnet)) + blocks;
  const reached = async (): Promise<boolean> => (await finalizedOf(host.network, subnet)) >= target;
  await passUntil(host, reached, 120_000, `${blocks} blocks of subnet ${subnet.subnetId}`);
}

export function agentFor(network: ContractNetwork): Promise<HttpAgent> {
  return HttpAgent.create({
    host: 'http://subnet.test',
    fetch: network.fetch,
    rootKey: network.rootKey(),
    identity: Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7)),
    verifyQuerySignatures: true,
  });
}

export async function createCanister(
  agent: HttpAgent,
  subnet: TopologySubnet,
  effectiveId = firstId(subnet),
): Promise<Principal> {
  const management = managementCanister(agent, effectiveId);
  const { canister_id } = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  const [first, last] = present(subnet.canisterRanges[0], 'the subnet has a range');
  const id = canister_id.toHex().toLowerCase();
  assert.ok(first <= id && id <= last, `canister ${id} is not of subnet ${subnet.subnetId}`);
  return canister_id;
}

async function installCounter(agent: HttpAgent, canister_id: Principal): Promise<Counter> {
  const management = managementCanister(agent, canister_id);
  const { wasm } = await compileMotoko(COUNTER);
  const arg = new Uint8Array(IDL.encode([], []));
  const mode = { install: null };
  await management.install_code({ mode, canister_id, wasm_module: wasm, arg });
  return Actor.createActor<Counter>(counterInterface, { agent, canisterId: canister_id });
}

async function describesBoth(host: ContractHost): Promise<void> {
  const { network } = host;
  const [root, second] = subnetsOf(network);
  assert.deepEqual([root.type, root.nodes.length], ['system', 1]);
  const size = network.spec.subnets[1]?.nodes;
  assert.deepEqual([second.type, second.nodes.length], ['application', size]);
  const nodes = [...root.nodes, ...second.nodes];
  assert.deepEqual(
    nodes.map(({ label, index }) => `${index}: ${label}`),
    nodes.map((_, index) => `${index}: Node ${index + 1}`),
  );
  assert.deepEqual(
    [root, second].map(({ canisterRanges }) => canisterRanges),
    [
      [['00000000000000000101', '00000000000fffff0101']],
      [['00000000001000000101', '00000000001fffff0101']],
    ],
  );
  assert.deepEqual(network.rootKey(), root.publicKeyDer, 'the first subnet is the root');
  assert.notDeepEqual(root.publicKeyDer, second.publicKeyDer);
  const snapshot = await network.snapshot();
  assert.deepEqual(
    snapshot.nodes.map(({ nodeId, state }) => [nodeId, state]),
    nodes.map(({ nodeId }) => [nodeId, 'running']),
  );
  await passBlocks(host, root, 3);
  await passBlocks(host, second, 3);
  assert.equal((await network.registry.record(second.subnetId)).members.length, size);
  const { members } = await network.registry.record();
  assert.deepEqual(members, [root.nodes[0]?.nodeId], 'without an id: of the root');
  const unknown = await network.registry.update({ kind: 'setHalted', halted: true }, 'ff' as never);
  assertRefused(unknown, 'SUBNET_UNKNOWN', 'a proposal for no subnet');
}

async function servesAnAgentOnBoth(host: ContractHost): Promise<void> {
  const { network } = host;
  const [root, second] = subnetsOf(network);
  const agent = await agentFor(network);
  // Who names no canister gets one on the root: its answer alone is verified without a delegation.
  const onRoot = await createCanister(agent, root, Principal.managementCanister());
  await assertCertifiedByRoot(network, agent, onRoot, true);
  const canisterId = await createCanister(agent, second);
  const counter = await installCounter(agent, canisterId);
  assert.equal(await counter.inc(), 1n);
  assert.equal(await counter.inc(), 2n);
  const counted = async (): Promise<boolean> => (await counter.get()) === 2n;
  await passUntil(host, counted, 30_000, 'a query counts to two');
  const paths = ['controllers' as const];
  const status = await CanisterStatus.request({ agent, canisterId, paths });
  assert.ok(status.get('controllers') instanceof Array, 'read_state tells controllers');
  await assertCertifiedByRoot(network, agent, canisterId, false);
}

/** The certificate of a fresh read_state, checked with the root key and with another. */
async function assertCertifiedByRoot(
  network: ContractNetwork,
  agent: HttpAgent,
  canisterId: Principal,
  isRoot: boolean,
): Promise<void> {
  const paths = [[new TextEncoder().encode('time')]];
  const { certificate } = await agent.readState({ canisterId }, { paths });
  const principal = { canisterId };
  const rootKey = network.rootKey();
  const verified = await Certificate.create({ certificate, rootKey, principal, agent });
  assert.equal(verified.cert.delegation === undefined, isRoot, 'only the root needs no delegation');
  const [, second] = subnetsOf(network);
  const wrong = { certificate, rootKey: second.publicKeyDer, principal, agent };
  await assert.rejects(Certificate.create(wrong), 'the key of another subnet verifies nothing');
  const stranger = { certificate, rootKey, principal: { canisterId: foreign(network) }, agent };
  if (!isRoot) {
    await assert.rejects(
      Certificate.create(stranger),
      'a canister of the root is not its to certify',
    );
  }
}

function foreign(network: ContractNetwork): Principal {
  return firstId(subnetsOf(network)[0]);
}

/** Ids that the agent chooses, wherever the call is sent to: only the subnet that owns an id has it made. */
async function makesSpecifiedIds({ network }: ContractHost): Promise<void> {
  const [, second] = subnetsOf(network);
  const agent = await agentFor(network);
  const id = (hex: string): Principal => Principal.fromHex(hex);
  const create = async (specified: string, through: string): Promise<string> => {
    const management = Actor.createActor<Creation>(creationInterface, {
      agent,
      canisterId: Principal.managementCanister(),
      effectiveCanisterId: id(through),
    });
    const argument = { specified_id: id(specified) };
    const made = await management.provisional_create_canister_with_cycles(argument);
    return made.canister_id.toHex().toLowerCase();
  };
  const [next, chosen, onRoot] = [
    '00000000001000000101',
    '00000000001000070101',
    '00000000000000070101',
  ];
  assert.equal(await create(chosen, chosen), chosen);
  await assert.rejects(create(chosen, chosen), /Canister .* is already installed\.[^]*IC0538/);
  await assert.rejects(
    create(onRoot, chosen),
    new RegExp(
      `Specified CanisterId ${id(onRoot).toText()} is not hosted by subnet ${Principal.fromHex(second.subnetId).toText()}\\.[^]*IC0405`,
    ),
  );
  await assert.rejects(create(chosen, onRoot), /is not hosted by subnet[^]*IC0405/);
  assert.equal(await create(next, chosen), next, 'any id of the subnet shows the way to it');
  const after = await createCanister(agent, second);
  assert.equal(after.toHex().toLowerCase(), '00000000001000010101', 'ids taken are passed over');
  const canister_id = id(chosen);
  const { status } = await managementCanister(agent, canister_id).canister_status({ canister_id });
  assert.deepEqual(status, { running: null });
}

async function refusesOtherIds(host: ContractHost): Promise<void> {
  const { network } = host;
  const [root, second] = subnetsOf(network);
  await passBlocks(host, second, 1);
  const nobodys = Principal.fromHex('00000000002000000101').toText();
  const ask = async (path: string): Promise<readonly [number, string]> => {
    const init = { method: 'POST', body: new Uint8Array(8) };
    const answer = await network.fetch(`http://subnet.test/api/${path}`, init);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask(`v3/canister/${nobodys}/query`), [
    400,
    'error: canister_not_found\ndetails: The specified canister does not exist.',
  ]);
  assert.deepEqual(await ask(`v3/subnet/${firstId(root).toText()}/read_state`), [
    400,
    'error: subnet_not_found\ndetails: The specified subnet cannot be found.',
  ]);
}

/** What the second subnet learnt of the root lasts: its clients don't notice that the root is gone. */
async function survivesTheRoot(host: ContractHost): Promise<void> {
  const { network } = host;
  const [root, second] = subnetsOf(network);
  const agent = await agentFor(network);
  const canister_id = await createCanister(agent, second);
  const [rootNode] = root.nodes;
  const killed = present(rootNode, 'the root has a node').nodeId;
  valueOf(await network.faults.kill(killed), 'kill of the root');
  await passBlocks(host, second, 3);
  const before = await finalizedOf(network, root);
  const { status } = await managementCanister(agent, canister_id).canister_status({ canister_id });
  assert.deepEqual(status, { running: null });
  assert.equal(await finalizedOf(network, root), before, 'a killed subnet finalizes nothing');
  valueOf(await network.faults.restart(killed), 'restart of the root');
  await passBlocks(host, root, 2);
}

export const SUBNET_CASES: readonly ContractCase[] = [
  { title: 'describes both subnets, and each finalizes blocks', run: describesBoth },
  {
    title: 'serves an unmodified agent on both, under the root key alone',
    run: servesAnAgentOnBoth,
  },
  { title: 'makes canisters under ids that agents specify', run: makesSpecifiedIds },
  { title: 'refuses ids that are on no subnet, as boundary nodes do', run: refusesOtherIds },
  { title: 'goes on on one subnet while the root is killed', run: survivesTheRoot },
];
