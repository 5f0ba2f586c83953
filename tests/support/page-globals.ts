import type { Network } from '../../src/wire/network.ts';
import type { BrowserClient } from './browser-client.ts';

declare global {
  interface Window {
    /** What the page gives to scripts. */
    subnetarium?: Network;
    /** What `addBrowserClient` adds. */
    subnetariumClient?: Promise<BrowserClient>;
  }
}
