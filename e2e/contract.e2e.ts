import { defaultNetworkSpec } from '../src/wire/network-spec.ts';
import { NETWORK_CONTRACT } from '../tests/contract/network-contract.ts';
import { createPageNetwork, test } from './page-network.ts';

/** The cases that the simulator passes too: `tests/contract/sim-network.test.ts`. */
test.describe('the page as a network', () => {
  for (const { title, run } of NETWORK_CONTRACT) {
    test(title, async ({ barePage: page }) => {
      const spec = defaultNetworkSpec({ seed: 'contract', pace: 'turbo' });
      const network = await createPageNetwork(page, spec);
      const pass = (ms: number): Promise<void> => page.waitForTimeout(ms);
      await run({ network, pass }).finally(() => network.close());
    });
  }
});
