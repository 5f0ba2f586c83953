import { BlockTree } from '../charts/BlockTree.tsx';
import { subnetName } from '../../wire/topology.ts';
import { NodeRing } from '../charts/NodeRing.tsx';
import { WorldMap } from '../charts/WorldMap.tsx';
import { SubnetTabs } from '../components/SubnetTabs.tsx';
import { Icon, type IconName } from '../components/icons.tsx';
import { Inspector } from '../inspector/Inspector.tsx';
import { FaultCount } from '../inspector/PanelTabs.tsx';
import { useServices, useSubnets, useUi } from '../services.tsx';
import { headline, worstOf } from '../store/headline.ts';
import type { Panel, UiState } from '../store/ui-store.ts';
import { CallsView } from './CallsView.tsx';
import { Legend } from './Legend.tsx';
import { Tables } from './Tables.tsx';

export function ObserveView() {
  const scene = useUi((state) => state.scene);
  return (
    <div className="observe">
      <main className="scene" id="main">
        <SubnetTabs />
        <div className="scene-head">
          <Headline />
          <div className="row scene-buttons">
            <PanelButton panel="faults" label="Faults" icon="alert" />
            <PanelButton panel="keys" label="Keys" icon="key" />
            <SceneButtons />
          </div>
        </div>
        {scene === 'tables' ? <Tables /> : scene === 'calls' ? <CallsView /> : <Picture />}
      </main>
      <Inspector />
    </div>
  );
}

function Picture() {
  const subnet = useUi((state) => state.subnet);
  const overview = useUi((state) => state.overview);
  const hasSeveral = useSubnets((all) => all.length > 1);
  return (
    <>
      {hasSeveral && overview ? <WorldMap /> : <NodeRing key={`ring ${subnet}`} />}
      <BlockTree />
      <Legend />
    </>
  );
}

interface Choice {
  readonly label: string;
  readonly icon: IconName;
  readonly keys: string;
  readonly change: Pick<UiState, 'scene'> & Partial<Pick<UiState, 'overview'>>;
}

const ONE: Choice = {
  label: 'One subnet',
  icon: 'ring',
  keys: 'O',
  change: { scene: 'picture', overview: false },
};
const ALL: Choice = {
  label: 'All subnets',
  icon: 'world',
  keys: 'O',
  change: { scene: 'picture', overview: true },
};
const TEXTS: readonly Choice[] = [
  { label: 'Calls', icon: 'calls', keys: 'C', change: { scene: 'calls' } },
  { label: 'Tables', icon: 'table', keys: 'T', change: { scene: 'tables' } },
];

/** What the middle shows: one of a few. */
function SceneButtons() {
  const { ui } = useServices();
  const hasSeveral = useSubnets((all) => all.length > 1);
  const scene = useUi((state) => state.scene);
  const overview = useUi((state) => state.overview);
  const choices = [...(hasSeveral ? [ALL, ONE] : [{ ...ONE, label: 'Picture' }]), ...TEXTS];
  return (
    <div className="segments" role="group" aria-label="View">
      {choices.map(({ label, icon, keys, change }) => (
        <button
          key={label}
          type="button"
          className="segment"
          aria-keyshortcuts={keys}
          aria-pressed={
            change.scene === scene &&
            (!hasSeveral || change.overview === undefined || change.overview === overview)
          }
          onClick={() => ui.setState(hasSeveral ? change : { scene: change.scene })}
        >
          <Icon name={icon} size={16} /> {label}
        </button>
      ))}
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

/** Of the subnet that is shown; where all are, trouble of another one comes first. */
function Headline() {
  const shown = useUi((state) => state.subnet);
  const isWorld = useUi(({ scene, overview }) => scene === 'picture' && overview);
  const hasSeveral = useSubnets((all) => all.length > 1);
  const told = useSubnets((all) => (isWorld ? worstOf(all, shown) : shown));
  const line = useSubnets((all) => {
    const projection = all[told] ?? all[shown];
    return projection === undefined ? null : headline(projection);
  });
  return line === null ? null : (
    <p className={`headline headline-${line.tone}`} data-testid="headline">
      <span>
        {hasSeveral ? <span className="muted">{subnetName(told)}: </span> : null}
        {line.text}
      </span>
    </p>
  );
}
