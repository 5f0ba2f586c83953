import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { NetworkSpec } from '../../src/wire/network-spec.ts';

function specOf(seed: string, nodes: readonly number[]): NetworkSpec {
  return {
    ...defaultNetworkSpec({ seed, pace: 'mainnet' }),
    subnets: nodes.map((count, index) => ({
      type: index === 0 ? 'system' : 'application',
      nodes: count,
    })),
  };
}

describe('several subnets in one simulation', () => {
  it('each finalizes on its own: one stands still while the other goes on', async () => {
    const network = createSimNetwork(specOf('two', [4, 1]), { crypto: 'insecure-test-crypto' });
    const [root, second] = network.topology().subnets;
    const ids = (root?.nodes ?? []).map(({ nodeId }) => nodeId);
    const other = second?.nodes[0]?.nodeId ?? ids[0];
    expect(second?.nodes[0]?.label).toBe('Node 5');
    const heightOf = (id = ids[0]) =>
      id === undefined ? 0 : network.heightsOf(id).heights.finalized;
    expect(network.runUntil(() => heightOf() >= 3 && heightOf(other) >= 3, 60_000)).toBe(true);
    for (const id of ids) {
      await network.faults.kill(id);
    }
    const before = heightOf(other);
    expect(network.runUntil(() => heightOf(other) >= before + 5, 60_000)).toBe(true);
    expect(network.violations).toEqual([]);
    await network.close();
  });

  it('a node without delegation serves nobody; it gets one from any root node that it reaches', async () => {
    const network = createSimNetwork(specOf('cut off', [4, 1]), { crypto: 'insecure-test-crypto' });
    const [root, second] = network.topology().subnets;
    const rootIds = (root?.nodes ?? []).map(({ nodeId }) => nodeId);
    await network.faults.partition([rootIds]);
    let answered: Response | undefined;
    const id = Principal.fromHex(second?.canisterRanges[0]?.[0] ?? '').toText();
    const init = { method: 'POST', body: new Uint8Array(3) };
    const asked = network.fetch(`http://x/api/v3/canister/${id}/query`, init).then((response) => {
      answered = response;
    });
    network.runFor(5_000);
    await Promise.resolve();
    expect(answered).toBeUndefined();
    await network.faults.heal();
    // Three of four root nodes are gone; which one is asked is chance.
    for (const nodeId of rootIds.slice(0, 3)) {
      await network.faults.kill(nodeId);
    }
    network.runFor(40_000);
    await asked;
    expect([answered?.status, await answered?.text()]).toEqual([400, expect.stringMatching(/./u)]);
    await network.close();
  });

  it('the same seed gives the same trace', () => {
    const traceOf = (): string => {
      const network = createSimNetwork(specOf('again', [1, 2, 1]), {
        crypto: 'insecure-test-crypto',
      });
      network.runFor(4_000);
      return network.traceHash();
    };
    expect(traceOf()).toBe(traceOf());
  });

  it('a step ends with the next block of any subnet, and its height', async () => {
    const network = createSimNetwork(specOf('step', [1, 1]), { crypto: 'insecure-test-crypto' });
    const heights = (): readonly number[] =>
      network
        .topology()
        .subnets.map(
          ({ nodes }) => network.heightsOf(nodes[0]?.nodeId as NodeId).heights.finalized,
        );
    network.runFor(5_000);
    for (let step = 0; step < 5; step += 1) {
      const before = heights();
      const stepped = await network.clock.step();
      const grown = heights().filter((height, index) => height > (before[index] ?? 0));
      expect(stepped.ok && grown.includes(stepped.value)).toBe(true);
    }
    await network.close();
  });
});
