import counterSource from '../../canisters/counter/main.mo?raw';
import { bytesToHex } from '../base/hex.ts';
import {
  createPage,
  createUiStore,
  createWorkshopStore,
  followNetwork,
  followTheme,
  type Page,
} from '../ui/index.tsx';
import type { Network } from '../wire/network.ts';
import { compileMotoko } from '../workers/compiler/index.ts';
import { createWorkerNetwork } from '../workers/index.ts';
import { specOfLocation } from './spec-of-location.ts';

declare global {
  interface Window {
    /** For scripts and tests: the same objects as the page uses. */
    subnetarium?: {
      readonly network: Network;
      readonly createNetwork: typeof createWorkerNetwork;
    };
  }
}

/** Page time at which the reader started to wait: the navigation. */
const STARTED_MS = 0;

async function start(page: Page): Promise<void> {
  const ui = createUiStore(preferences(), location.hash);
  followTheme(ui);
  page.showBoot(STARTED_MS);
  const freshSeed = bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
  const spec = specOfLocation(location.search, freshSeed);
  if (!spec.ok) {
    page.showFailure('The link asks for a network that cannot be made.', spec.error.message);
    return;
  }
  const network = await createWorkerNetwork(spec.value);
  window.subnetarium = { network, createNetwork: createWorkerNetwork };
  const { store } = followNetwork(network);
  const workshop = createWorkshopStore(counterSource);
  page.showNetwork({ network, compile: compileMotoko, projection: store, ui, workshop }, STARTED_MS);
}

/** Preferences are kept where the browser lets us; a private window may refuse. */
function preferences(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

const root = document.getElementById('root');
if (root !== null) {
  const page = createPage(root);
  start(page).catch((reason: unknown) => {
    const text = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason);
    page.showFailure('The network did not start.', text);
  });
}
