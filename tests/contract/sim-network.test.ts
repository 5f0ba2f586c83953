import { describe, it } from 'vitest';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { loadCryptoSuite } from '../../src/workers/crypto/choose-suite.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { ADDED_SUBNET_CASE } from './added-subnet-case.ts';
import type { ContractHost } from './contract-host.ts';
import { NETWORK_CONTRACT } from './network-contract.ts';
import { SUBNET_CASES, twoSubnetsSpec } from './subnet-cases.ts';

/** The library that the page uses: the same bytes as the other one gives, in less time. */
const crypto = await loadCryptoSuite('mcl');

/** The other host of the same cases is the page: `e2e/contract.e2e.ts`. */
describe('the simulator as a network', () => {
  for (const { title, run } of NETWORK_CONTRACT) {
    it(title, async () => {
      const host = startSimulated();
      await run(host).finally(() => host.network.close());
    });
  }
});

describe('the simulator as a network of two subnets', () => {
  for (const { title, run } of [...SUBNET_CASES, ADDED_SUBNET_CASE]) {
    it(title, async () => {
      const host = startSimulated(twoSubnetsSpec('mainnet', 1));
      await run(host).finally(() => host.network.close());
    });
  }
});

function startSimulated(
  spec = defaultNetworkSpec({ seed: 'contract', pace: 'mainnet' }),
): ContractHost {
  const network = createSimNetwork(
    { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 } },
    {
      startNs: BigInt(Date.now()) * 1_000_000n,
      drive: 'demand',
      crypto,
    },
  );
  return {
    network,
    pass: (ms) =>
      new Promise((resolve) => {
        const { rate } = network.clock.now();
        network.runFor(ms * rate);
        setTimeout(resolve, 0);
      }),
  };
}
