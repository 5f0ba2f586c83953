import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';

describe('an hour of sleep', () => {
  it('of all nodes (seed "lid closed"): they go on, and block time jumps to the clock', () => {
    const network = createSimNetwork(
      defaultNetworkSpec({ seed: 'lid closed', nodes: 4, pace: 'mainnet' }),
      { crypto: 'insecure-test-crypto' },
    );
    const ids = network.topology().subnets[0]?.nodes.map(({ nodeId }) => nodeId) ?? [];
    const each = (act: (id: NodeId) => unknown): void => ids.forEach((id) => void act(id));
    network.runFor(5_000);
    each((id) => network.faults.setNode(id, { paused: true }));
    const asleep = network.finalizedHeight();
    network.runFor(3_600_000);
    expect(network.finalizedHeight()).toBeLessThanOrEqual(asleep + 1);
    each((id) => network.faults.setNode(id, null));
    const times: bigint[] = [];
    network.events.subscribe(({ events }) => {
      times.push(...events.flatMap((event) => (event.kind === 'executed' ? [event.timeNs] : [])));
    });
    const wokeNs = network.clock.now().timeNs;
    expect(network.runUntil(() => network.finalizedHeight() > asleep + 10, 60_000)).toBe(true);
    network.runFor(1_000);
    expect(times.some((timeNs) => timeNs >= wokeNs)).toBe(true);
    expect(network.violations).toEqual([]);
  });
});
