import { createContext, useCallback, useContext } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { present } from '../base/assert.ts';
import type { Compile } from '../wire/compiler.ts';
import type { Network, NetworkResult } from '../wire/network.ts';
import type { SubnetProjections } from '../wire/project-subnets.ts';
import type { NetworkProjection } from '../wire/projection.ts';
import type { SavedNetworks } from '../wire/saved-networks.ts';
import type { ProjectionStore, SubnetsStore } from './store/live-network.ts';
import type { UiState, UiStore } from './store/ui-store.ts';
import type { WorkshopStore } from './store/workshop-store.ts';

/** What the composition root gives to every component. */
export interface Services {
  readonly network: Network;
  readonly saved: SavedNetworks;
  readonly compile: Compile;
  /** The subnet that is shown. */
  readonly projection: ProjectionStore;
  readonly subnets: SubnetsStore;
  readonly ui: UiStore;
  readonly workshop: WorkshopStore;
  /** Another tab runs the network, this one looks on; null = it runs here. */
  readonly readOnly: ReadOnlyView | null;
}

export interface ReadOnlyView {
  readonly name: string;
  /** Asks the other tab to give the network to this one. */
  handOver(): void;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  return present(useContext(ServicesContext), 'components live below ServicesContext');
}

export function useProjection<T>(select: (projection: NetworkProjection) => T): T {
  return useStore(useServices().projection, useShallow(select));
}

export function useSubnets<T>(select: (subnets: SubnetProjections) => T): T {
  return useStore(useServices().subnets, useShallow(select));
}

export function useUi<T>(select: (state: UiState) => T): T {
  return useStore(useServices().ui, select);
}

/** Runs a command of the network and shows the reason if it is refused. */
export function useCommand(): (command: (network: Network) => NetworkResult<unknown>) => void {
  const { network, ui } = useServices();
  return useCallback(
    (command) => {
      command(network).then(
        (result) => ui.setState({ commandError: result.ok ? null : result.error.message }),
        (reason: unknown) => ui.setState({ commandError: String(reason) }),
      );
    },
    [network, ui],
  );
}
