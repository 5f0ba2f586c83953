import { Actor, AnonymousIdentity, Certificate, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';
import { expect, it } from 'vitest';
import { hexToBytes } from '../../src/base/hex.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import type { Network } from '../../src/wire/network.ts';
import { applyBatch } from '../../src/wire/project-network.ts';
import { initialProjection } from '../../src/wire/projection.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';

/** What every host of `Network` must do; run against the simulator in Node and the worker host in a browser. */
export interface ContractHost {
  readonly network: Network;
  /** Lets about that much network time pass. */
  pass(ms: number): Promise<void>;
}

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

async function agentFor(network: Network): Promise<HttpAgent> {
  return HttpAgent.create({
    host: 'http://subnet.test',
    fetch: network.fetch,
    rootKey: network.rootKey(),
    identity: Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7)),
    verifyQuerySignatures: true,
  });
}

function firstCanister(network: Network): Principal {
  const range = network.topology().subnets[0]?.canisterRanges[0];
  return Principal.fromUint8Array(hexToBytes(range?.[0] ?? '') ?? new Uint8Array(0));
}

async function heights(network: Network): Promise<readonly number[]> {
  const { nodes } = await network.snapshot();
  return nodes.map((node) => node.heights.finalized);
}

async function passUntil(
  host: ContractHost,
  condition: () => Promise<boolean>,
  limitMs: number,
): Promise<boolean> {
  for (let passed = 0; passed < limitMs; passed += 250) {
    if (await condition()) {
      return true;
    }
    await host.pass(250);
  }
  return condition();
}

function nodeAt(network: Network, index: number): NodeId {
  const node = network.topology().subnets[0]?.nodes[index];
  expect(node).toBeDefined();
  return (node as { nodeId: NodeId }).nodeId;
}

/** Registers the suite's tests. The hosts are of four nodes with real crypto. */
export function testNetworkContract(start: () => Promise<ContractHost>): void {
  it('finalizes on every node and keeps their state roots equal', async () => {
    const host = await start();
    const grown = await passUntil(
      host,
      async () => (await heights(host.network)).every((height) => height >= 5),
      60_000,
    );
    expect(grown).toBe(true);
    const { nodes } = await host.network.snapshot();
    const atHeight = new Map<number, Set<string | null>>();
    for (const node of nodes) {
      const roots = atHeight.get(node.heights.executed) ?? new Set();
      atHeight.set(node.heights.executed, roots.add(node.stateRoot));
    }
    expect([...atHeight.values()].every((roots) => roots.size === 1)).toBe(true);
    await host.network.close();
  });

  it('serves an unmodified agent: create, install, update, query, all verified', async () => {
    const host = await start();
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
    const counter = Actor.createActor<Counter>(counterInterface, {
      agent,
      canisterId: canister_id,
    });
    expect(await counter.inc()).toBe(1n);
    expect(await counter.inc()).toBe(2n);
    expect(await counter.inc()).toBe(3n);
    expect(await counter.get()).toBe(3n);
    const { canisters } = await network.snapshot();
    expect(canisters).toMatchObject([{ status: 'running' }]);
    await network.close();
  });

  it('gives certificates that verify under its root key and under no other', async () => {
    const host = await start();
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
    const ready = async (): Promise<boolean> => (await heights(network)).every((h) => h >= 2);
    expect(await passUntil(host, ready, 60_000)).toBe(true);
    await expect(certificateWith(network.rootKey())).resolves.toBeInstanceOf(Certificate);
    const other = network.rootKey().slice();
    other.set(network.rootKey().slice(37 + 48), 37);
    await expect(certificateWith(other)).rejects.toThrow();
    await network.close();
  });

  it('goes on with one node killed, halts with two, and both catch up after a restart', async () => {
    const host = await start();
    const { network } = host;
    const [third, fourth] = [nodeAt(network, 2), nodeAt(network, 3)];
    await passUntil(host, async () => (await heights(network)).every((h) => h >= 3), 60_000);
    expect(await network.faults.kill(fourth)).toEqual({ ok: true, value: undefined });
    expect(await network.faults.kill(fourth)).toMatchObject({
      error: { code: 'NODE_NOT_RUNNING' },
    });
    const before = Math.max(...(await heights(network)));
    const goesOn = async (): Promise<boolean> =>
      Math.max(...(await heights(network))) >= before + 5;
    expect(await passUntil(host, goesOn, 60_000)).toBe(true);
    expect(await network.faults.kill(third)).toMatchObject({ ok: true });
    await host.pass(3000);
    const halted = Math.max(...(await heights(network)));
    await host.pass(10_000);
    expect(Math.max(...(await heights(network)))).toBe(halted);
    expect(await network.faults.restart(third)).toMatchObject({ ok: true });
    expect(await network.faults.restart(fourth)).toMatchObject({ ok: true });
    const resumed = async (): Promise<boolean> =>
      (await heights(network)).every((height) => height >= halted + 5);
    expect(await passUntil(host, resumed, 120_000)).toBe(true);
    await network.close();
  });

  it('shows blocks and proofs, and verifies them', async () => {
    const host = await start();
    const { network } = host;
    let projection = initialProjection(network.topology());
    const stop = network.events.subscribe((batch) => {
      projection = applyBatch(projection, batch);
    });
    await passUntil(host, async () => (await heights(network)).every((h) => h >= 4), 60_000);
    await host.pass(300);
    const block = projection.heights
      .find((view) => view.height === 2)
      ?.blocks.find((other) => other.state === 'finalized');
    expect(block).toBeDefined();
    const hash = block?.facts.hash;
    const details = await network.inspect.block(hash as NonNullable<typeof hash>);
    expect(details).toMatchObject({ ok: true, value: { facts: { height: 2 } } });
    for (const kind of [
      'block',
      'notarization',
      'randomBeacon',
      'randomTape',
      'certification',
    ] as const) {
      const verified = await network.inspect.verify({ kind, height: 2 });
      expect(verified, kind).toMatchObject({ ok: true, value: { valid: true } });
    }
    const missing = await network.inspect.verify({ kind: 'notarization', height: 100_000 });
    expect(missing).toMatchObject({ ok: false, error: { code: 'ARTIFACT_UNKNOWN' } });
    expect(projection.nodes.every((node) => node.heights.finalized >= 4)).toBe(true);
    expect(projection.feed.some((entry) => entry.text.includes('is final'))).toBe(true);
    stop();
    await network.close();
  });

  it('refuses what it does not know with a coded error', async () => {
    const { network } = await start();
    const stranger = 'ff' as NodeId;
    expect(await network.faults.kill(stranger)).toMatchObject({ error: { code: 'NODE_UNKNOWN' } });
    expect(await network.clock.setRate(-1)).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } });
    const twice = [[nodeAt(network, 0)], [nodeAt(network, 0)]];
    expect(await network.faults.partition(twice)).toMatchObject({
      error: { code: 'INVALID_ARGUMENT' },
    });
    const unknown = await network.fetch('http://subnet.test/nowhere');
    expect(unknown.status).toBe(404);
    await network.close();
    await network.close();
    expect(await network.faults.heal()).toMatchObject({ error: { code: 'NETWORK_CLOSED' } });
  });
}
