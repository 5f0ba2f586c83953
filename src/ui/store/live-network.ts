import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Network } from '../../wire/network.ts';
import { present } from '../../base/assert.ts';
import {
  applyToSubnets,
  initialProjections,
  type SubnetProjections,
} from '../../wire/project-subnets.ts';
import type { NetworkProjection } from '../../wire/projection.ts';
import type { UiStore } from './ui-store.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';

export type ProjectionStore = StoreApi<NetworkProjection>;
export type SubnetsStore = StoreApi<SubnetProjections>;

/** Ten pictures of the network a second are smooth enough; the cores belong to the nodes. */
const FOLD_INTERVAL_MS = 100;
/** A hidden page's timers nearly stop; beyond this many batches it folds anyway. */
const MAX_WAITING_BATCHES = 200;

/**
 * Folds the network's telemetry into stores, ten times a second at most: all subnets, and the one
 * that the page shows. Returns them and the function that ends the subscription.
 */
export function followNetwork(
  network: Network,
  ui: UiStore,
): {
  readonly store: ProjectionStore;
  readonly subnets: SubnetsStore;
  readonly stop: () => void;
} {
  const subnets = createStore<SubnetProjections>(() => initialProjections(network.topology()));
  const shown = (): NetworkProjection =>
    present(subnets.getState()[ui.getState().subnet], 'a subnet of the network is shown');
  const store = createStore<NetworkProjection>(shown);
  let waiting: TelemetryBatch[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let foldedMs = 0;
  const fold = (): void => {
    clearTimeout(timer);
    timer = undefined;
    foldedMs = performance.now();
    const batches = waiting;
    waiting = [];
    subnets.setState(batches.reduce(applyToSubnets, subnets.getState()), true);
    store.setState(shown(), true);
  };
  const unsubscribe = network.events.subscribe((batch) => {
    waiting.push(batch);
    if (waiting.length >= MAX_WAITING_BATCHES) {
      fold();
    } else {
      timer ??= setTimeout(fold, Math.max(0, foldedMs + FOLD_INTERVAL_MS - performance.now()));
    }
  });
  const unfollow = ui.subscribe((now, before) => {
    if (now.subnet !== before.subnet) {
      store.setState(shown(), true);
    }
  });
  const stop = (): void => {
    unsubscribe();
    unfollow();
    clearTimeout(timer);
  };
  return { store, subnets, stop };
}
