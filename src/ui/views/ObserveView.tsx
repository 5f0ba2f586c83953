import { BlockTree } from '../charts/BlockTree.tsx';
import { subnetName } from '../../wire/topology.ts';
import { NodeRing } from '../charts/NodeRing.tsx';
import { WorldMap } from '../charts/WorldMap.tsx';
import { SubnetTabs } from '../components/SubnetTabs.tsx';
import { Icon, type IconName } from '../components/icons.tsx';
import { Inspector } from '../inspector/Inspector.tsx';
import { FaultCount } from '../inspector/PanelTabs.tsx';
import { useProjection, useServices, useSubnets, useUi } from '../services.tsx';
import { headline } from '../store/headline.ts';
import type { Panel } from '../store/ui-store.ts';
import { Legend } from './Legend.tsx';
import { Tables } from './Tables.tsx';

export function ObserveView() {
  const { ui } = useServices();
  const tables = useUi((state) => state.showTables);
  const subnet = useUi((state) => state.subnet);
  const overview = useUi((state) => state.overview);
  const hasSeveral = useSubnets((all) => all.length > 1);
  const isWorld = hasSeveral && overview;
  return (
    <div className="observe">
      <main className="scene" id="main">
        <SubnetTabs />
        <div className="scene-head">
          <Headline />
          <div className="row scene-buttons">
            <PanelButton panel="faults" label="Faults" icon="alert" />
            <PanelButton panel="keys" label="Keys" icon="key" />
            {hasSeveral ? (
              <button
                type="button"
                className="button"
                aria-pressed={overview}
                aria-keyshortcuts="O"
                onClick={() => ui.setState({ overview: !overview, showTables: false })}
              >
                <Icon name="world" size={16} /> All subnets
              </button>
            ) : null}
            <button
              type="button"
              className="button"
              aria-pressed={tables}
              onClick={() => ui.setState({ showTables: !tables })}
            >
              <Icon name="table" size={16} /> Tables
            </button>
          </div>
        </div>
        {tables ? (
          <Tables />
        ) : (
          <>
            {isWorld ? <WorldMap /> : <NodeRing key={`ring ${subnet}`} />}
            <BlockTree />
            <Legend />
          </>
        )}
      </main>
      <Inspector />
    </div>
  );
}

interface PanelButtonProps {
  readonly panel: Panel;
  readonly label: string;
  readonly icon: IconName;
}

/** Where the side panel is a sheet, this is what opens it. */
function PanelButton({ panel, label, icon }: PanelButtonProps) {
  const { ui } = useServices();
  const open = useUi((state) => state.panel === panel);
  return (
    <button
      type="button"
      className="button narrow-only"
      aria-pressed={open}
      onClick={() => ui.setState({ panel: open ? 'object' : panel })}
    >
      <Icon name={icon} size={16} /> {label}
      {panel === 'faults' ? <FaultCount /> : null}
    </button>
  );
}

function Headline() {
  const { tone, text } = useProjection(headline);
  const own = useProjection((projection) => projection.subnetIndex);
  const hasSeveral = useSubnets((all) => all.length > 1);
  return (
    <p className={`headline headline-${tone}`} data-testid="headline">
      <span>
        {hasSeveral ? <span className="muted">{subnetName(own)}: </span> : null}
        {text}
      </span>
    </p>
  );
}
