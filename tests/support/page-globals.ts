import type { Network } from '../../src/wire/network.ts';
import type { NetworkSpec } from '../../src/wire/network-spec.ts';
import type { SavedNetworks } from '../../src/wire/saved-networks.ts';
import type { BrowserClient } from './browser-client.ts';
import type { NodeWorkerProbe } from './node-worker-probe.ts';
import type { SandboxProbe } from './sandbox-probe.ts';

declare global {
  interface Window {
    /** What the page gives to scripts. */
    subnetarium?: {
      readonly network: Network;
      createNetwork(
        spec: NetworkSpec,
        options?: { readonly save?: { readonly name: string } },
      ): Promise<Network>;
      readonly saved: SavedNetworks;
    };
    /** The same network; set by `exposeNetwork`. */
    networkUnderTest?: Network;
    /** What `addBrowserClient` adds. */
    subnetariumClient?: Promise<BrowserClient>;
    /** What `node-worker-probe.ts` adds. */
    nodeWorkerProbe?: NodeWorkerProbe;
    /** What `sandbox-probe.ts` adds. */
    sandboxProbe?: SandboxProbe;
  }
}

/** In the page: resolves once the page has its network. For `page.waitForFunction`. */
export function exposeNetwork(): boolean {
  const network = window.subnetarium?.network;
  if (network !== undefined) {
    window.networkUnderTest = network;
  }
  return network !== undefined;
}
