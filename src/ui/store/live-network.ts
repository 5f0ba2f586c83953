import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Network } from '../../wire/network.ts';
import { applyBatch } from '../../wire/project-network.ts';
import { initialProjection, type NetworkProjection } from '../../wire/projection.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';

export type ProjectionStore = StoreApi<NetworkProjection>;

/** Ten pictures of the network a second are smooth enough; the cores belong to the nodes. */
const FOLD_INTERVAL_MS = 100;
/** A hidden page's timers nearly stop; beyond this many batches it folds anyway. */
const MAX_WAITING_BATCHES = 200;

/**
 * Folds the network's telemetry into a store, ten times a second at most. Returns the store and
 * the function that ends the subscription.
 */
export function followNetwork(network: Network): {
  readonly store: ProjectionStore;
  readonly stop: () => void;
} {
  const store = createStore<NetworkProjection>(() => initialProjection(network.topology()));
  let waiting: TelemetryBatch[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let foldedMs = 0;
  const fold = (): void => {
    clearTimeout(timer);
    timer = undefined;
    foldedMs = performance.now();
    const batches = waiting;
    waiting = [];
    store.setState(batches.reduce(applyBatch, store.getState()), true);
  };
  const unsubscribe = network.events.subscribe((batch) => {
    waiting.push(batch);
    if (waiting.length >= MAX_WAITING_BATCHES) {
      fold();
    } else {
      timer ??= setTimeout(fold, Math.max(0, foldedMs + FOLD_INTERVAL_MS - performance.now()));
    }
  });
  const stop = (): void => {
    unsubscribe();
    clearTimeout(timer);
  };
  return { store, stop };
}
