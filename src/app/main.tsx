import counterSource from '../../canisters/counter/main.mo?raw';
import callerSource from '../../canisters/caller/main.mo?raw';
import { bytesToHex } from '../base/hex.ts';
import {
  createPage,
  createUiStore,
  createWorkshopStore,
  followNetwork,
  followTheme,
  type Page,
  type ReadOnlyView,
} from '../ui/index.tsx';
import type { Network } from '../wire/network.ts';
import type { NetworkSpec } from '../wire/network-spec.ts';
import { BOOT_STAGES, type BootStage } from '../wire/telemetry.ts';
import { compileMotoko } from '../workers/compiler/index.ts';
import {
  chooseNetwork,
  type NetworkChoice,
  createSavedNetwork,
  createWorkerNetwork,
  onHandedOver,
  openSavedNetwork,
  savedNetworks,
  untilNetworkIsFree,
  watchElsewhere,
} from '../workers/index.ts';
import type { SavedNetworks } from '../wire/saved-networks.ts';
import { specOfLocation } from './spec-of-location.ts';

declare global {
  interface Window {
    /** For scripts and tests: the page's own network, and how to make another. */
    subnetarium?: {
      readonly network: Network;
      readonly createNetwork: typeof createNetwork;
      readonly saved: SavedNetworks;
    };
  }
}

/** Page time at which the reader started to wait: the navigation. */
const STARTED_MS = 0;

async function start(page: Page): Promise<void> {
  const ui = createUiStore(preferences(), location.hash);
  followTheme(ui);
  onHandedOver(showNetworkAt);
  const opened = await openNetwork(page);
  if (opened === undefined) {
    return;
  }
  const { network, readOnly } = opened;
  window.subnetarium = { network, createNetwork, saved: savedNetworks };
  if (readOnly === null) {
    keepOnFirstCanister(network);
  }
  const { store, subnets } = followNetwork(network, ui);
  const workshop = createWorkshopStore(counterSource, { Caller: callerSource });
  page.showNetwork(
    {
      network,
      saved: savedNetworks,
      compile: compileMotoko,
      projection: store,
      subnets,
      ui,
      workshop,
      readOnly,
    },
    STARTED_MS,
  );
}

/** The network that the address means: one that goes on, or a new one; undefined = the page says why not. */
async function openNetwork(page: Page): Promise<OpenedNetwork | undefined> {
  const choice = await chooseNetwork(location.search);
  if (choice.kind === 'cannot') {
    if (choice.why === 'openElsewhere') {
      return lookOn(page, choice);
    }
    page.showCannotOpen(choice, savedNetworks);
    return undefined;
  }
  if (choice.kind === 'open') {
    const network = await watched(page, () => openSavedNetwork(choice.id));
    return { network, readOnly: null };
  }
  const freshSeed = bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
  const spec = specOfLocation(location.search, freshSeed);
  if (!spec.ok) {
    page.showBadLink(spec.error.message);
    return undefined;
  }
  const name = nameOf(spec.value);
  const network = await watched(page, () =>
    createSavedNetwork(spec.value, { name, link: choice.link }),
  );
  forgetFresh();
  return { network, readOnly: null };
}

interface OpenedNetwork {
  readonly network: Network;
  /** What hands the network over to this tab; null = it runs here. */
  readonly readOnly: ReadOnlyView | null;
}

/** The other tab answers at once, unless it is just starting the network. */
const VIEW_PATIENCE_MS = 1_500;

/** Another tab has the network: it is shown, and is run here as soon as that tab gives it up. */
async function lookOn(
  page: Page,
  choice: Extract<NetworkChoice, { readonly kind: 'cannot' }>,
): Promise<OpenedNetwork | undefined> {
  void untilNetworkIsFree(choice.id).then(() => showNetworkAt(choice.id));
  const notice = setTimeout(() => page.showCannotOpen(choice, savedNetworks), VIEW_PATIENCE_MS);
  const watched = await watchElsewhere(choice.id);
  if (watched === undefined) {
    return undefined;
  }
  clearTimeout(notice);
  const { network, handOver } = watched;
  return { network, readOnly: { name: choice.name, handOver } };
}

/** Loads this page again with that network, in the part of the page that is shown. */
function showNetworkAt(networkId: string): void {
  const url = new URL(location.href);
  const search = `?network=${encodeURIComponent(networkId)}`;
  if (url.search === search) {
    location.reload();
  } else {
    url.search = search;
    location.replace(url);
  }
}

/** For scripts: a network that ends with its tab or, with a name, one that is saved. */
function createNetwork(
  spec: NetworkSpec,
  options: { readonly save?: { readonly name: string } } = {},
): Promise<Network> {
  const { save } = options;
  return save === undefined
    ? createWorkerNetwork(spec)
    : createSavedNetwork(spec, { name: String(save.name).slice(0, 60), link: '' });
}

/** Once there is something to lose, the browser is asked not to erase it when its disk gets full. */
function keepOnFirstCanister(network: Network): void {
  let asked = false;
  const stop = network.events.subscribe(({ events }) => {
    if (!asked && events.some((event) => event.kind === 'canisterChanged')) {
      asked = true;
      void savedNetworks.persist();
      // Not from within its own first call.
      queueMicrotask(() => stop());
    }
  });
}

/** "4 nodes, classroom": until the reader finds a better name. */
function nameOf({ subnets, pace }: NetworkSpec): string {
  const sizes = subnets.map(({ nodes }) => nodes).join(' + ');
  return `${sizes} node${sizes === '1' ? '' : 's'}, ${pace}`;
}

/** A reload goes on with what `?fresh` made. */
function forgetFresh(): void {
  const url = new URL(location.href);
  if (url.searchParams.has('fresh')) {
    url.searchParams.delete('fresh');
    history.replaceState(null, '', url);
  }
}

async function watched(page: Page, make: () => Promise<Network>): Promise<Network> {
  const watch = watchBoot((stage, detail) => page.showBoot(stage, detail, STARTED_MS));
  return make().finally(() => watch.disconnect());
}

/** Until the network is there to be asked, its performance marks tell how far it is. */
function watchBoot(show: (stage: BootStage, detail: string) => void): PerformanceObserver {
  show('keys', '');
  const observer = new PerformanceObserver((list) => {
    const entries = list.getEntries();
    const entryOf = (stage: BootStage): PerformanceEntry | undefined =>
      entries.findLast(({ name }) => name === `subnetarium:${stage}`);
    const stage = BOOT_STAGES.findLast((name) => entryOf(name) !== undefined);
    if (stage !== undefined) {
      const { detail } = entryOf(stage) as PerformanceMark;
      show(stage, String(detail));
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
