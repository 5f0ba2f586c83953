import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/dialogs.css';
import './styles/inspector.css';
import './styles/scene.css';
import './styles/faults.css';
import './styles/build.css';
import './styles/saved.css';
import './styles/world.css';
import './styles/subnet-tabs.css';
import './styles/calls.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useStore } from 'zustand';
import type { BootStage } from '../wire/telemetry.ts';
import { App } from './App.tsx';
import type { SavedNetworks } from '../wire/saved-networks.ts';
import { CannotOpen, type UnopenedNetwork } from './saved/CannotOpen.tsx';
import { Boot } from './components/Boot.tsx';
import { Instead } from './saved/Instead.tsx';
import { FatalError } from './components/FatalError.tsx';
import { type Services, ServicesContext } from './services.tsx';

export type { ReadOnlyView } from './services.tsx';

export { followNetwork } from './store/live-network.ts';
export { createUiStore } from './store/ui-store.ts';
export { createWorkshopStore } from './store/workshop-store.ts';
export { followTheme } from './theme.ts';

/** The page between its load and the first block: what the composition root shows. */
export interface Page {
  showBoot(stage: BootStage, detail: string, startedMs: number): void;
  showNetwork(services: Services, startedMs: number): void;
  showBadLink(reason: string): void;
  showCannotOpen(network: UnopenedNetwork, saved: SavedNetworks): void;
  showStartFailure(reason: string): void;
}

export function createPage(element: HTMLElement): Page {
  const root = createRoot(element);
  return {
    showBoot: (stage, detail, startedMs) =>
      root.render(<Boot stage={stage} detail={detail} startedMs={startedMs} />),
    showNetwork: (services, startedMs) =>
      root.render(
        <StrictMode>
          <ServicesContext value={services}>
            <BootOrApp services={services} startedMs={startedMs} />
          </ServicesContext>
        </StrictMode>,
      ),
    showCannotOpen: (network, saved) =>
      root.render(
        <StrictMode>
          <CannotOpen network={network} saved={saved} />
        </StrictMode>,
      ),
    showBadLink: (reason) =>
      root.render(
        <FatalError
          what="The link asks for a network that cannot be made."
          reason={reason}
          advice="Correct the address, or open the page without parameters."
          action="plainAddress"
        />,
      ),
    showStartFailure: (reason) =>
      root.render(
        <FatalError
          what="The network did not start."
          reason={reason}
          advice="A browser with module workers and 64-bit WebAssembly memory is needed: Chromium 133 or newer. Reloading tries again; what is saved stays on the disk, also beside a fresh network."
          action="reload"
        />,
      ),
  };
}

function BootOrApp(props: { readonly services: Services; readonly startedMs: number }) {
  const { projection, subnets } = props.services;
  const ready = useStore(subnets, (all) => all.every((state) => state.finalizedHeight > 0));
  const stage = useStore(projection, (state) => state.bootStage);
  const detail = useStore(projection, (state) => state.bootDetail);
  return ready ? (
    <App />
  ) : (
    <Boot
      stage={stage ?? 'nodes'}
      detail={detail}
      startedMs={props.startedMs}
      instead={<Instead services={props.services} />}
    />
  );
}
