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
import { BOOT_STAGES, type BootStage } from '../wire/telemetry.ts';
import { compileMotoko } from '../workers/compiler/index.ts';
import { createWorkerNetwork } from '../workers/index.ts';
import { specOfLocation } from './spec-of-location.ts';

declare global {
  interface Window {
    /** For scripts and tests: the page's own network, and how to make another. */
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
  const freshSeed = bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
  const spec = specOfLocation(location.search, freshSeed);
  if (!spec.ok) {
    page.showBadLink(spec.error.message);
    return;
  }
  const watch = watchBoot((stage) => page.showBoot(stage, STARTED_MS));
  const network = await createWorkerNetwork(spec.value).finally(() => watch.disconnect());
  window.subnetarium = { network, createNetwork: createWorkerNetwork };
  const { store } = followNetwork(network);
  const workshop = createWorkshopStore(counterSource);
  page.showNetwork(
    { network, compile: compileMotoko, projection: store, ui, workshop },
    STARTED_MS,
  );
}

/** Until the network is there to be asked, its performance marks tell how far it is. */
function watchBoot(show: (stage: BootStage) => void): PerformanceObserver {
  show('keys');
  const observer = new PerformanceObserver((list) => {
    const names = list.getEntries().map((entry) => entry.name);
    const stage = BOOT_STAGES.findLast((name) => names.includes(`subnetarium:${name}`));
    if (stage !== undefined) {
      show(stage);
    }
  });
  observer.observe({ type: 'mark' });
  return observer;
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
    page.showStartFailure(text);
  });
}
