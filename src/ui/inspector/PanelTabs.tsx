import { activeFaults } from '../faults/active-faults.ts';
import { useProjection, useServices, useUi } from '../services.tsx';
import { type Panel, PANELS } from '../store/ui-store.ts';

export const PANEL_ID = 'side-panel';

export function tabId(panel: Panel): string {
  return `side-tab-${panel}`;
}

const NAMES: Readonly<Record<Panel, string>> = {
  object: 'Inspect',
  faults: 'Faults',
  keys: 'Keys',
};

/** What the side shows; the number of faults stands in view whatever is open. */
export function PanelTabs() {
  const { ui } = useServices();
  const panel = useUi((state) => state.panel);
  const move = (event: React.KeyboardEvent<HTMLElement>): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      const next = PANELS.at((PANELS.indexOf(panel) + step) % PANELS.length) ?? 'object';
      ui.setState({ panel: next });
      document.getElementById(tabId(next))?.focus();
    }
  };
  return (
    <div className="panel-tabs" role="tablist" aria-label="Side panel">
      {PANELS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={tabId(name)}
          className="panel-tab"
          aria-selected={panel === name}
          aria-controls={PANEL_ID}
          tabIndex={panel === name ? 0 : -1}
          onKeyDown={move}
          onClick={() => ui.setState({ panel: name })}
        >
          {NAMES[name]}
          {name === 'faults' ? <FaultCount /> : null}
        </button>
      ))}
    </div>
  );
}

/** How many faults are on; nothing when none is. */
export function FaultCount() {
  const { network } = useServices();
  const count = useProjection((projection) => activeFaults(projection, network.spec).length);
  return count === 0 ? null : <span className="tag tone-warning">{count} on</span>;
}
