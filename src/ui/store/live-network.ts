import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Network } from '../../wire/network.ts';
import { applyBatch } from '../../wire/project-network.ts';
import { initialProjection, type NetworkProjection } from '../../wire/projection.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';

export type ProjectionStore = StoreApi<NetworkProjection>;

/** A hidden page paints no frames; beyond this many batches it folds anyway. */
const MAX_WAITING_BATCHES = 200;

/**
 * Folds the network's telemetry into a store, at most once a frame. Returns the store and the
 * function that ends the subscription.
 */
export function followNetwork(network: Network): {
  readonly store: ProjectionStore;
  readonly stop: () => void;
} {
  const store = createStore<NetworkProjection>(() => initialProjection(network.topology()));
  let waiting: TelemetryBatch[] = [];
  let frame = 0;
  const fold = (): void => {
    cancelAnimationFrame(frame);
    frame = 0;
    const batches = waiting;
    waiting = [];
    store.setState(batches.reduce(applyBatch, store.getState()), true);
  };
  const unsubscribe = network.events.subscribe((batch) => {
    waiting.push(batch);
    if (waiting.length >= MAX_WAITING_BATCHES) {
      fold();
    } else if (frame === 0) {
      frame = requestAnimationFrame(fold);
    }
  });
  const stop = (): void => {
    unsubscribe();
    cancelAnimationFrame(frame);
  };
  return { store, stop };
}
