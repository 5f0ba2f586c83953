import { Feed } from '../components/Feed.tsx';
import { Icon } from '../components/icons.tsx';
import { useServices, useUi } from '../services.tsx';
import type { Selection } from '../store/ui-store.ts';
import { BlockInspector } from './BlockInspector.tsx';
import { NodeInspector } from './NodeInspector.tsx';
import { SubnetFacts } from './SubnetFacts.tsx';

/** The selected object above, the feed below; on a narrow screen the object is a sheet. */
export function Inspector() {
  const { ui } = useServices();
  const selection = useUi((state) => state.selection);
  return (
    <aside className="inspector" aria-label="Inspector and feed">
      {selection === null ? (
        <section className="inspector-object inspector-empty" aria-labelledby="inspected">
          <h2 id="inspected">The subnet</h2>
          <p className="muted small">
            Click a node to see its heights and to switch it off. Click a block to see who signed it
            and to check the signatures yourself.
          </p>
          <SubnetFacts />
        </section>
      ) : (
        <div className="inspector-object" data-testid="inspector">
          <button
            type="button"
            className="button button-icon button-quiet inspector-close"
            aria-label="Close the inspector"
            onClick={() => ui.setState({ selection: null })}
          >
            <Icon name="close" size={16} />
          </button>
          <Selected selection={selection} />
        </div>
      )}
      <Feed />
    </aside>
  );
}

function Selected({ selection }: { readonly selection: Selection }) {
  return selection.kind === 'node' ? (
    <NodeInspector nodeId={selection.nodeId} />
  ) : (
    <BlockInspector hash={selection.hash} />
  );
}
