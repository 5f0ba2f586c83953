import { describe, expect, it } from 'vitest';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';

const SPAN_MS = 8_000;

describe('initialNotaryDelayMs of a spec', () => {
  it('is the least time of a block, until another pace is chosen (seed "one a second")', async () => {
    const network = createSimNetwork(
      {
        ...defaultNetworkSpec({ seed: 'one a second', nodes: 1, pace: 'classroom' }),
        initialNotaryDelayMs: 980,
      },
      { crypto: 'insecure-test-crypto' },
    );
    const blocksIn = (ms: number): number => {
      const before = network.finalizedHeight();
      network.runFor(ms);
      return network.finalizedHeight() - before;
    };
    network.runFor(2_000);
    const paced = blocksIn(SPAN_MS);
    expect(paced).toBeGreaterThanOrEqual(7);
    expect(paced).toBeLessThanOrEqual(9);
    await network.clock.setPace('mainnet');
    expect(blocksIn(SPAN_MS), "the mainnet pace's own 300 ms").toBeGreaterThan(18);
    await network.clock.setPace('classroom');
    expect(blocksIn(SPAN_MS)).toBeLessThanOrEqual(9);
    await network.close();
    expect(network.violations).toEqual([]);
  });
});
