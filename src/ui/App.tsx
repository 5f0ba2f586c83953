import { useLayoutEffect } from 'react';
import { CommandError } from './components/CommandError.tsx';
import { HelpDialog } from './components/HelpDialog.tsx';
import { Notes } from './components/Notes.tsx';
import { Rail } from './components/Rail.tsx';
import { TopBar } from './components/TopBar.tsx';
import { NetworksView } from './saved/NetworksView.tsx';
import { useServices, useUi } from './services.tsx';
import { handleShortcut } from './shortcuts.ts';
import { doorOfHash, type Door } from './store/ui-store.ts';
import { BuildView } from './views/BuildView.tsx';
import { HonestyView } from './views/HonestyView.tsx';
import { LearnView } from './views/LearnView.tsx';
import { ObserveView } from './views/ObserveView.tsx';
import { PresentView } from './views/PresentView.tsx';

const VIEWS: Readonly<Record<Door, () => React.ReactNode>> = {
  observe: ObserveView,
  build: BuildView,
  learn: LearnView,
  present: PresentView,
  networks: NetworksView,
  honesty: HonestyView,
};

export function App() {
  const services = useServices();
  const { ui } = services;
  const door = useUi((state) => state.door);
  // With the first picture, not after it: a key pressed at once is heard.
  useLayoutEffect(() => {
    const follow = (): void => ui.setState({ door: doorOfHash(location.hash) });
    const press = (event: KeyboardEvent): void => handleShortcut(event, services);
    addEventListener('hashchange', follow);
    addEventListener('keydown', press);
    return () => {
      removeEventListener('hashchange', follow);
      removeEventListener('keydown', press);
    };
  }, [services, ui]);
  const View = VIEWS[door];
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to the main part
      </a>
      <TopBar />
      <Notes />
      <Rail />
      <div className="door" key={door}>
        <View />
      </div>
      <CommandError />
      <HelpDialog />
    </div>
  );
}

/** The hash belongs to the doors, so the skip link moves focus itself. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  const main = document.getElementById('main');
  main?.setAttribute('tabindex', '-1');
  main?.focus();
}
