import assert from 'node:assert/strict';
import {
  Actor,
  AnonymousIdentity,
  Certificate,
  HttpAgent,
  type Identity,
} from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';
import { hexToBytes } from '../../src/base/hex.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';
import {
  assertRefused,
  type ContractCase,
  type ContractHost,
  type ContractNetwork,
  passUntilAllReach,
  valueOf,
} from './contract-host.ts';

/** An unmodified agent on every host of `Network`, with all its checks on. */

const COUNTER = `
persistent actor {
  var count : Nat = 0;
  public func inc() : async Nat { count += 1; count };
  public query func get() : async Nat { count };
}`;

const counterInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    inc: IDL.Func([], [IDL.Nat], []),
    get: IDL.Func([], [IDL.Nat], ['query']),
  });

interface Counter {
  inc(): Promise<bigint>;
  get(): Promise<bigint>;
}

async function agentFor(
  network: ContractNetwork,
  identity: Identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7)),
): Promise<HttpAgent> {
  return HttpAgent.create({
    host: 'http://subnet.test',
    fetch: network.fetch,
    rootKey: network.rootKey(),
    identity,
    verifyQuerySignatures: true,
  });
}

function firstCanister(network: ContractNetwork): Principal {
  const range = network.topology().subnets[0]?.canisterRanges[0];
  return Principal.fromUint8Array(hexToBytes(range?.[0] ?? '') ?? new Uint8Array(0));
}

/** Any node may answer a query, also one that is a block or two behind; never from the future. */
async function reachesCount(host: ContractHost, counter: Counter, count: bigint): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const read = await counter.get();
    assert.ok(read <= count, `a query answers ${read}, more than was ever counted`);
    if (read === count) {
      return;
    }
    await host.pass(200);
  }
  assert.fail(`no query answers ${count}`);
}

async function servesAnAgent(host: ContractHost): Promise<void> {
  const { network } = host;
  const { wasm } = await compileMotoko(COUNTER);
  const agent = await agentFor(network);
  const management = managementCanister(agent, firstCanister(network));
  const { canister_id } = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  await management.install_code({
    mode: { install: null },
    canister_id,
    wasm_module: wasm,
    arg: new Uint8Array(IDL.encode([], [])),
  });
  const counter = Actor.createActor<Counter>(counterInterface, { agent, canisterId: canister_id });
  assert.equal(await counter.inc(), 1n);
  assert.equal(await counter.inc(), 2n);
  assert.equal(await counter.inc(), 3n);
  await reachesCount(host, counter, 3n);
}

async function forksACanister(host: ContractHost): Promise<void> {
  const { network } = host;
  const { wasm } = await compileMotoko(COUNTER);
  const agent = await agentFor(network, new AnonymousIdentity());
  const management = managementCanister(agent, firstCanister(network));
  const { canister_id } = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  const source = canister_id.toHex().toLowerCase() as CanisterId;
  assertRefused(await network.forkCanister(source), 'FORK_FAILED', 'fork of an empty canister');
  await management.install_code({
    mode: { install: null },
    canister_id,
    wasm_module: wasm,
    arg: new Uint8Array(IDL.encode([], [])),
  });
  const counterAt = (canisterId: Principal): Counter =>
    Actor.createActor<Counter>(counterInterface, { agent, canisterId });
  const counter = counterAt(canister_id);
  assert.equal(await counter.inc(), 1n);
  assert.equal(await counter.inc(), 2n);
  const copyId = valueOf(await network.forkCanister(source), 'fork');
  assert.notEqual(copyId, source);
  const copy = counterAt(Principal.fromHex(copyId));
  assert.equal(await copy.inc(), 3n, 'the copy counts on from where the source was');
  assert.equal(await counter.inc(), 3n, 'the source does not see what the copy counts');
  assertRefused(await network.forkCanister('x' as CanisterId), 'INVALID_ARGUMENT', 'fork of no id');
}

async function listsCanisters(host: ContractHost): Promise<void> {
  const { network } = host;
  const agent = await agentFor(network);
  const management = managementCanister(agent, firstCanister(network));
  const { canister_id } = await management.provisional_create_canister_with_cycles({
    amount: [],
    settings: [],
    specified_id: [],
  });
  await host.pass(500);
  const { canisters } = await network.snapshot();
  const shown = canisters.map(({ canisterId, status }) => [canisterId, status]);
  assert.deepEqual(shown, [[canister_id.toHex().toLowerCase(), 'running']]);
}

async function certifiesUnderItsKeyOnly(host: ContractHost): Promise<void> {
  const { network } = host;
  const canisterId = firstCanister(network);
  const certificateWith = async (rootKey: Uint8Array): Promise<Certificate> => {
    const agent = await HttpAgent.create({
      host: 'http://subnet.test',
      fetch: network.fetch,
      rootKey: network.rootKey(),
      identity: new AnonymousIdentity(),
    });
    const time = [new TextEncoder().encode('time')];
    const { certificate } = await agent.readState({ canisterId }, { paths: [time] });
    return Certificate.create({ certificate, rootKey, principal: { canisterId } });
  };
  await passUntilAllReach(host, 2);
  assert.ok((await certificateWith(network.rootKey())) instanceof Certificate);
  // Another valid point: the same key with its two halves of coordinates in the other's place.
  const other = network.rootKey().slice();
  other.set(network.rootKey().slice(37 + 48), 37);
  await assert.rejects(certificateWith(other));
}

export const AGENT_CASES: readonly ContractCase[] = [
  {
    title: 'serves an unmodified agent: create, install, update, query, all verified',
    run: servesAnAgent,
  },
  { title: 'forks a canister: its memory twice, then apart', run: forksACanister },
  { title: 'lists the canisters that an agent made', run: listsCanisters },
  {
    title: 'gives certificates that verify under its root key and under no other',
    run: certifiesUnderItsKeyOnly,
  },
];
