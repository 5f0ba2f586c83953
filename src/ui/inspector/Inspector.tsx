import { useRef } from 'react';
import { Mutating } from '../components/ReadOnly.tsx';
import { Feed } from '../components/Feed.tsx';
import { Icon } from '../components/icons.tsx';
import { FaultsPanel } from '../faults/FaultsPanel.tsx';
import { KeysPanel } from '../keys/KeysPanel.tsx';
import { useServices, useUi } from '../services.tsx';
import type { Selection } from '../store/ui-store.ts';
import { AddSubnetButton } from '../subnets/AddSubnet.tsx';
import { BlockInspector } from './BlockInspector.tsx';
import { CanisterInspector } from './CanisterInspector.tsx';
import { NodeInspector } from './NodeInspector.tsx';
import { PANEL_ID, PanelTabs, tabId } from './PanelTabs.tsx';
import { StreamInspector } from './StreamInspector.tsx';
import { SubnetFacts } from './SubnetFacts.tsx';
import { SubnetStreams } from './SubnetStreams.tsx';
import { useFocusReturn } from './use-focus-return.ts';

/** The selected object, the faults or the keys above, the feed below; on a narrow screen a sheet. */
export function Inspector() {
  const { ui } = useServices();
  const panel = useUi((state) => state.panel);
  const selection = useUi((state) => state.selection);
  const isEmpty = panel === 'object' && selection === null;
  const sheet = useRef<HTMLDivElement>(null);
  useFocusReturn(sheet, panel === 'object' ? selection : panel);
  return (
    <aside className="inspector" aria-label="Inspector and feed">
      <div
        ref={sheet}
        className={`inspector-sheet ${isEmpty ? 'inspector-empty' : ''}`}
        data-panel={panel}
        data-testid="inspector"
      >
        <PanelTabs />
        <div
          className="inspector-object"
          id={PANEL_ID}
          role="tabpanel"
          aria-labelledby={tabId(panel)}
          tabIndex={0}
          key={panel}
        >
          {panel === 'faults' ? (
            <Mutating>
              <FaultsPanel />
            </Mutating>
          ) : panel === 'keys' ? (
            <KeysPanel />
          ) : selection === null ? (
            <NothingSelected />
          ) : (
            <Selected selection={selection} />
          )}
        </div>
        {isEmpty ? null : (
          <button
            type="button"
            className="button button-icon button-quiet inspector-close"
            aria-label="Close the inspector"
            onClick={() => ui.setState({ selection: null, panel: 'object', partitionDraft: null })}
          >
            <Icon name="close" size={16} />
          </button>
        )}
      </div>
      <Feed />
    </aside>
  );
}

function NothingSelected() {
  return (
    <section aria-labelledby="inspected">
      <h2 id="inspected">The subnet</h2>
      <p className="muted small">
        Click a node to see its heights and to switch it off. Click a block to see who signed it and
        to check the signatures yourself.
      </p>
      <SubnetFacts />
      <SubnetStreams />
      <AddSubnetButton />
    </section>
  );
}

function Selected({ selection }: { readonly selection: Selection }) {
  switch (selection.kind) {
    case 'node':
      return <NodeInspector nodeId={selection.nodeId} />;
    case 'block':
      return <BlockInspector hash={selection.hash} />;
    case 'canister':
      return <CanisterInspector canisterId={selection.canisterId} />;
    case 'stream':
      return <StreamInspector from={selection.from} to={selection.to} />;
  }
}
