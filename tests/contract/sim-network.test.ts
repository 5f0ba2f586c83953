import { afterEach, describe, it } from 'vitest';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { loadCryptoSuite } from '../../src/workers/crypto/choose-suite.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { replaceWallClock } from '../support/shifted-date.ts';
import { ADDED_SUBNET_CASE } from './added-subnet-case.ts';
import { NETWORK_CONTRACT } from './network-contract.ts';
import { SLEEP_CASE, type SleepingHost } from './sleep-case.ts';
import { SUBNET_CASES, twoSubnetsSpec } from './subnet-cases.ts';

/** The library that the page uses: the same bytes as the other one gives, in less time. */
const crypto = await loadCryptoSuite('mcl');

const START_MS = 1_750_000_000_000;
let restoreWallClock = (): void => undefined;
afterEach(() => restoreWallClock());

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
  for (const { title, run } of [...SUBNET_CASES, ADDED_SUBNET_CASE, SLEEP_CASE]) {
    it(title, async () => {
      const host = startSimulated(twoSubnetsSpec('mainnet', 1));
      await run(host).finally(() => host.network.close());
    });
  }
});

/** Agents have the network's clock: how long the machine takes for a block changes nothing. */
function startSimulated(
  spec = defaultNetworkSpec({ seed: 'contract', pace: 'mainnet' }),
): SleepingHost {
  let wallMs = (): number => START_MS;
  restoreWallClock = replaceWallClock(() => wallMs());
  const network = createSimNetwork(
    { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 } },
    { startNs: BigInt(START_MS) * 1_000_000n, drive: 'demand', crypto },
  );
  const networkMs = (): number => Number(network.clock.now().timeNs / 1_000_000n);
  let wokeMs = 0;
  wallMs = () => Math.max(wokeMs, networkMs());
  return {
    network,
    pass: (ms) =>
      new Promise((resolve) => {
        const { rate } = network.clock.now();
        network.runFor(ms * rate);
        setTimeout(resolve, 0);
      }),
    // The next request finds that network time is behind, and moves it to the wall clock.
    sleep: (ms) => {
      wokeMs = networkMs() + ms;
      return Promise.resolve();
    },
  };
}
