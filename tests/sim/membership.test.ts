import { Certificate, HttpAgent } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import { hexToBytes } from '../../src/base/hex.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import type { SimNetwork } from '../../src/sim/sim-network.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';

const INTERVAL = 10;

function start(nodes: number, spareNodes: number): SimNetwork {
  const spec = defaultNetworkSpec({ seed: 'membership', nodes, pace: 'mainnet' });
  return createSimNetwork(
    {
      ...spec,
      subnets: [{ type: 'application', nodes, spareNodes }],
      links: { ...spec.links, delayMs: 20, jitterMs: 5 },
      dkgIntervalLength: INTERVAL - 1,
    },
    { crypto: 'insecure-test-crypto' },
  );
}

function idsOf(network: SimNetwork): readonly NodeId[] {
  const [subnet] = network.topology().subnets;
  return [...(subnet?.nodes ?? []), ...(subnet?.spareNodes ?? [])].map((node) => node.nodeId);
}

const stateOf = (network: SimNetwork, node: NodeId | undefined): string =>
  node === undefined ? 'unknown' : network.heightsOf(node).state;

function isCertifying(network: SimNetwork, node: NodeId, from: number): boolean {
  const { state, heights } = network.heightsOf(node);
  return state === 'running' && heights.certified >= from;
}

async function setMembers(network: SimNetwork, members: readonly NodeId[]): Promise<void> {
  const outcome = await network.registry.update({ kind: 'setMembership', members });
  expect(outcome).toMatchObject({ ok: true });
}

describe('membership of a simulated subnet', () => {
  it('a spare node joins by catch-up package and state sync; a member leaves and stops', async () => {
    const network = start(4, 1);
    const [first, second, third, fourth, spare] = idsOf(network) as [
      NodeId,
      NodeId,
      NodeId,
      NodeId,
      NodeId,
    ];
    expect(stateOf(network, spare)).toBe('stopped');
    network.runUntil(() => network.finalizedHeight() >= 25, 200_000);
    await setMembers(network, [first, second, third, fourth, spare]);
    expect(network.registry.version()).toBe(2);
    const joined = network.finalizedHeight() + 4 * INTERVAL;
    expect(network.runUntil(() => isCertifying(network, spare, joined), 400_000)).toBe(true);

    await setMembers(network, [second, third, fourth, spare]);
    const left = network.finalizedHeight() + 4 * INTERVAL + 5;
    expect(network.runUntil(() => isCertifying(network, spare, left), 400_000)).toBe(true);
    expect(stateOf(network, first)).toBe('stopped');
    // Without any one of the four left, the others go on: each of them holds its share.
    for (const down of [second, spare]) {
      await network.faults.kill(down);
      const next = network.finalizedHeight() + 8;
      expect(network.runUntil(() => isCertifying(network, third, next), 400_000)).toBe(true);
      await network.faults.restart(down);
      expect(network.runUntil(() => isCertifying(network, down, next), 400_000)).toBe(true);
    }
    // Beacon keys change every interval: the inspector learns them from the subnet's own packages.
    const height = network.heightsOf(third).heights.catchUpPackage + 1;
    network.runUntil(() => network.finalizedHeight() > height + 2, 60_000);
    for (const kind of ['randomBeacon', 'randomTape', 'finalization', 'notarization'] as const) {
      expect(await network.inspect.verify({ kind, height }), kind).toMatchObject({
        ok: true,
        value: { valid: true },
      });
    }
    expect(network.violations).toEqual([]);
    await network.close();
  });

  it('refuses members that do not exist, and any change once closed', async () => {
    const network = start(1, 0);
    const members = ['00'] as unknown as NodeId[];
    expect(await network.registry.update({ kind: 'setMembership', members })).toMatchObject({
      error: { code: 'INVALID_ARGUMENT' },
    });
    await network.close();
    expect(await network.registry.update({ kind: 'setHalted', halted: true })).toMatchObject({
      error: { code: 'NETWORK_CLOSED' },
    });
  });

  it('halts at once by the record, and goes on when it is lifted', async () => {
    const network = start(4, 0);
    network.runUntil(() => network.finalizedHeight() >= 5, 60_000);
    await network.registry.update({ kind: 'setHalted', halted: true });
    network.runFor(2000);
    const halted = network.finalizedHeight();
    network.runFor(30_000);
    expect(network.finalizedHeight()).toBe(halted);
    await network.registry.update({ kind: 'setHalted', halted: false });
    network.runFor(10_000);
    expect(network.finalizedHeight()).toBeGreaterThan(halted + 3);
    expect(network.violations).toEqual([]);
    await network.close();
  });

  it('halts at a catch-up package when the record says so', async () => {
    const network = start(4, 0);
    network.runUntil(() => network.finalizedHeight() >= 5, 60_000);
    await network.registry.update({ kind: 'setHaltAtCatchUpPackage', halt: true });
    network.runFor(120_000);
    const [first] = idsOf(network);
    const { catchUpPackage, executed, finalized } = network.heightsOf(first as NodeId).heights;
    // Seen by the summary of height 10, in force from height 20.
    expect({ catchUpPackage, executed }).toEqual({ catchUpPackage: 20, executed: 20 });
    network.runFor(60_000);
    expect(network.heightsOf(first as NodeId).heights.finalized).toBe(finalized);
    expect(network.violations).toEqual([]);
    await network.close();
  });
});

describe('the subnet’s key', () => {
  it('outlives every node that dealt it: an agent verifies what the only new member certifies', async () => {
    const spec = defaultNetworkSpec({ seed: 'key', nodes: 1, pace: 'mainnet' });
    const network = createSimNetwork(
      {
        ...spec,
        subnets: [{ type: 'application', nodes: 1, spareNodes: 1 }],
        dkgIntervalLength: 7,
      },
      { drive: 'demand', startNs: BigInt(Date.now() - 60_000) * 1_000_000n },
    );
    const rootKey = network.rootKey();
    const [old, young] = idsOf(network) as [NodeId, NodeId];
    network.runUntil(() => network.finalizedHeight() >= 2, 30_000);
    await setMembers(network, [young]);
    const isAlone = (): boolean =>
      stateOf(network, old) === 'stopped' &&
      isCertifying(network, young, network.finalizedHeight() - 2);
    expect(network.runUntil(isAlone, 120_000)).toBe(true);
    const agent = await HttpAgent.create({
      host: 'http://subnet.test',
      fetch: network.fetch,
      rootKey,
    });
    const [range] = network.topology().subnets[0]?.canisterRanges ?? [];
    const canisterId = Principal.fromUint8Array(hexToBytes(range?.[0] ?? '') ?? new Uint8Array(0));
    const time = new TextEncoder().encode('time');
    const answer = await agent.readState({ canisterId }, { paths: [[time]] });
    const certificate = await Certificate.create({
      certificate: answer.certificate,
      rootKey,
      principal: { canisterId },
    });
    expect(certificate.lookup_path([time]).status).toBe('Found');
    expect(network.violations).toEqual([]);
    await network.close();
  }, 60_000);
});
