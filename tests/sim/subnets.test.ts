import { describe, expect, it } from 'vitest';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { NetworkSpec } from '../../src/wire/network-spec.ts';

function specOf(seed: string, nodes: readonly number[]): NetworkSpec {
  return {
    ...defaultNetworkSpec({ seed }),
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
});
