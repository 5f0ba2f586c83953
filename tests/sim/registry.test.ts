import { Principal } from '@icp-sdk/core/principal';
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeId, SubnetId } from '../../src/protocol/types/ids.ts';
import type { SimNetwork } from '../../src/sim/sim-network.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { NetworkSpec } from '../../src/wire/network-spec.ts';

const spec = (seed: string, spareNodes = 0): NetworkSpec => ({
  ...defaultNetworkSpec({ seed, pace: 'mainnet' }),
  subnets: [
    { type: 'system', nodes: spareNodes === 0 ? 4 : 1 },
    { type: 'application', nodes: spareNodes === 0 ? 1 : 4, spareNodes },
  ],
  dkgIntervalLength: 9,
});

let network: SimNetwork;
afterEach(() => network.close());

function start(seed: string, spareNodes = 0): SimNetwork {
  network = createSimNetwork(spec(seed, spareNodes), {
    crypto: 'insecure-test-crypto',
    drive: 'demand',
    traceHash: false,
  });
  return network;
}

function nodesOf(index: number): readonly NodeId[] {
  return (network.topology().subnets[index]?.nodes ?? []).map(({ nodeId }) => nodeId);
}

const finalized = (ids: readonly NodeId[]): number =>
  Math.min(...ids.map((id) => network.heightsOf(id).heights.finalized));

/** The registry versions on a node's disk. */
function storedAt(id: NodeId): number {
  const keys = [...(network.diskOf(id)?.keys() ?? [])];
  return keys.filter((key) => key.startsWith('registry/')).length;
}

describe('the registry of a network', () => {
  it('is changed by calls of its operator, and every node of every subnet learns of it', async () => {
    start('change');
    const [, second] = network.topology().subnets;
    const ids = [...nodesOf(0), ...nodesOf(1)];
    expect(network.runUntil(() => finalized(ids) >= 3, 60_000)).toBe(true);
    expect(ids.map(storedAt)).toEqual(ids.map(() => 1));
    const halt = { kind: 'setHalted', halted: true } as const;
    expect(await network.registry.update(halt, second?.subnetId)).toEqual({ ok: true, value: 2 });
    expect(network.runUntil(() => ids.every((id) => storedAt(id) === 2), 30_000)).toBe(true);
    network.runFor(3_000);
    const still = finalized(nodesOf(1));
    const root = finalized(nodesOf(0));
    network.runFor(5_000);
    expect(finalized(nodesOf(1))).toBe(still);
    expect(finalized(nodesOf(0))).toBeGreaterThan(root);
    const resume = { kind: 'setHalted', halted: false } as const;
    expect(await network.registry.update(resume, second?.subnetId)).toEqual({ ok: true, value: 3 });
    expect(network.runUntil(() => finalized(nodesOf(1)) > still + 3, 30_000)).toBe(true);
    expect(network.violations).toEqual([]);
  });

  it('gets a halted root subnet going again through the stores of its nodes', async () => {
    start('root halt');
    const ids = nodesOf(0);
    expect(network.runUntil(() => finalized(ids) >= 3, 60_000)).toBe(true);
    expect(await network.registry.update({ kind: 'setHalted', halted: true })).toMatchObject({
      ok: true,
    });
    network.runFor(3_000);
    const still = finalized(ids);
    network.runFor(5_000);
    expect(finalized(ids)).toBe(still);
    expect(await network.registry.update({ kind: 'setHalted', halted: false })).toEqual({
      ok: true,
      value: 3,
    });
    expect(network.runUntil(() => finalized(ids) > still + 3, 30_000)).toBe(true);
    // What went past consensus is what the registry says now: the other subnet has it, certified.
    expect(network.runUntil(() => nodesOf(1).every((id) => storedAt(id) === 3), 30_000)).toBe(true);
    expect(network.violations).toEqual([]);
  });

  it('lets a spare node of another subnet join', async () => {
    start('join', 1);
    const [, second] = network.topology().subnets;
    const spare = second?.spareNodes[0]?.nodeId as NodeId;
    expect(network.runUntil(() => finalized(nodesOf(1)) >= 3, 60_000)).toBe(true);
    const members = [...nodesOf(1), spare];
    const change = { kind: 'setMembership', members } as const;
    expect(await network.registry.update(change, second?.subnetId)).toMatchObject({ ok: true });
    const target = finalized(nodesOf(1)) + 32;
    expect(network.runUntil(() => finalized(members) >= target, 300_000)).toBe(true);
    expect(network.violations).toEqual([]);
  });

  it('survives that all nodes stop at once', async () => {
    start('restart');
    const ids = [...nodesOf(0), ...nodesOf(1)];
    expect(network.runUntil(() => finalized(ids) >= 3, 60_000)).toBe(true);
    const added = await network.registry.addSubnet({ type: 'application', nodes: 1 });
    expect(added).toMatchObject({ ok: true });
    const all = [...ids, ...nodesOf(2)];
    expect(network.runUntil(() => all.every((id) => storedAt(id) === 2), 30_000)).toBe(true);
    expect(network.runUntil(() => finalized(nodesOf(2)) >= 12, 60_000)).toBe(true);
    for (const id of all) {
      await network.faults.kill(id);
    }
    const before = finalized(all);
    for (const id of all) {
      await network.faults.restart(id);
    }
    expect(network.runUntil(() => finalized(all) > before + 12, 60_000)).toBe(true);
    expect(network.violations).toEqual([]);
  });
});

describe('a subnet that is added', () => {
  it('starts from the registry, gets its delegation and the routes of all', async () => {
    start('add');
    expect(network.runUntil(() => finalized(nodesOf(0)) >= 3, 60_000)).toBe(true);
    const added = await network.registry.addSubnet({ type: 'application', nodes: 1 });
    expect(added.ok).toBe(true);
    const third = network.topology().subnets[2];
    expect(third?.subnetId).toBe(added.ok ? added.value : undefined);
    expect(third?.canisterRanges).toEqual([['00000000002000000101', '00000000002fffff0101']]);
    expect(network.runUntil(() => finalized(nodesOf(2)) >= 11, 120_000)).toBe(true);
    const id = Principal.fromHex(third?.canisterRanges[0]?.[0] ?? '').toText();
    const init = { method: 'POST', body: new Uint8Array(3) };
    const response = await network.fetch(`http://x/api/v3/canister/${id}/query`, init);
    // The node of the new subnet answers; it does not like the body.
    expect(response.status).toBe(400);
    expect(await response.text()).not.toMatch(/canister_not_found/u);
    expect(network.registry.record(third?.subnetId as SubnetId).members).toHaveLength(1);
    expect(network.violations).toEqual([]);
  });

  it('is refused where no system subnet keeps a registry, and when it makes no sense', async () => {
    network = createSimNetwork(defaultNetworkSpec({ seed: 'alone', pace: 'turbo' }), {
      crypto: 'insecure-test-crypto',
    });
    const subnet = { type: 'application', nodes: 4 } as const;
    const code = async (spec: unknown): Promise<string> => {
      const outcome = await network.registry.addSubnet(spec as typeof subnet);
      return outcome.ok ? 'taken' : outcome.error.code;
    };
    expect(await code(subnet)).toBe('INVALID_ARGUMENT');
    await network.close();
    expect(await code(subnet)).toBe('NETWORK_CLOSED');
    start('refusals');
    for (const bad of [
      null,
      { nodes: 0 },
      { type: 'moon', nodes: 4 },
      { nodes: 4, colour: 'red' },
    ]) {
      expect(await code(bad)).toBe('INVALID_ARGUMENT');
    }
    expect(network.topology().subnets).toHaveLength(2);
  });
});
