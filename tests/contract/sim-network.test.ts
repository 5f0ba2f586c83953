import { describe } from 'vitest';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { testNetworkContract } from './network-contract.ts';

describe('the simulator as a network', () => {
  testNetworkContract(async () => {
    const spec = defaultNetworkSpec({ seed: 'contract', pace: 'mainnet' });
    const network = createSimNetwork(
      { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 } },
      { startNs: BigInt(Date.now()) * 1_000_000n, drive: 'demand' },
    );
    return {
      network,
      pass: (ms) =>
        new Promise((resolve) => {
          network.runFor(ms);
          setTimeout(resolve, 0);
        }),
    };
  });
});
