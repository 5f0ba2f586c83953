import { BlockTree } from '../charts/BlockTree.tsx';
import { NodeRing } from '../charts/NodeRing.tsx';
import { Icon } from '../components/icons.tsx';
import { Inspector } from '../inspector/Inspector.tsx';
import { useProjection, useServices, useUi } from '../services.tsx';
import { headline } from '../store/derive.ts';
import { Legend } from './Legend.tsx';
import { Tables } from './Tables.tsx';

export function ObserveView() {
  const { ui } = useServices();
  const tables = useUi((state) => state.showTables);
  return (
    <div className="observe">
      <main className="scene" id="main">
        <div className="scene-head">
          <Headline />
          <button
            type="button"
            className="button"
            aria-pressed={tables}
            onClick={() => ui.setState({ showTables: !tables })}
          >
            <Icon name="table" size={16} /> Tables
          </button>
        </div>
        {tables ? (
          <Tables />
        ) : (
          <>
            <NodeRing />
            <BlockTree />
            <Legend />
          </>
        )}
      </main>
      <Inspector />
    </div>
  );
}

function Headline() {
  const { tone, text } = useProjection(headline);
  return (
    <p className={`headline headline-${tone}`} data-testid="headline">
      {text}
    </p>
  );
}
