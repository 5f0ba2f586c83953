import { formatCount, formatMs, formatRate } from '../store/format.ts';
import { currentRate, divergedHeight, keyHolders, nodesUp } from '../store/derive.ts';
import { THEMES } from '../store/ui-store.ts';
import { subnetName } from '../../wire/topology.ts';
import { useProjection, useServices, useSubnets, useUi } from '../services.tsx';
import { ClockControls } from './ClockControls.tsx';
import { Mutating } from './ReadOnly.tsx';
import { Icon } from './icons.tsx';

export function TopBar() {
  return (
    <header className="topbar">
      <h1 className="brand">
        <BrandMark />
        Subnetarium
      </h1>
      <LiveTag />
      <Mutating>
        <ClockControls />
      </Mutating>
      <Metrics />
      <div className="topbar-end">
        <HelpButton />
        <ThemeButton />
      </div>
    </header>
  );
}

export function BrandMark() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="9.5" fill="none" stroke="currentColor" strokeWidth="1.8" />
      <path d="M12 2.5a9.5 9.5 0 0 1 0 19z" fill="currentColor" />
    </svg>
  );
}

function LiveTag() {
  const paused = useProjection((projection) => projection.clock?.paused === true);
  return (
    <span className={`tag ${paused ? 'tone-warning' : 'tone-good'}`}>
      {paused ? '❚❚ PAUSED' : '● LIVE'}
    </span>
  );
}

function Metrics() {
  const figures = useProjection((projection) => ({
    height: projection.finalizedHeight,
    rate: currentRate(projection),
    lag: projection.finalityMs,
    up: nodesUp(projection),
    all: keyHolders(projection).length,
    own: projection.subnetIndex,
  }));
  const { count, broken } = useSubnets((all) => ({
    count: all.length,
    broken: all.some((one) => one.violations.length > 0 || divergedHeight(one) !== undefined),
  }));
  return (
    <dl className="metrics">
      {count === 1 ? null : (
        <Metric label="Shown" value={subnetName(figures.own)} className="metric-shown" />
      )}
      <Metric label="Height" value={formatCount(figures.height)} testId="metric-height" />
      <Metric label="Blocks/s" value={figures.rate === null ? '–' : formatRate(figures.rate)} />
      <Metric
        label="Finality"
        value={figures.lag === null ? '–' : formatMs(figures.lag)}
        title="Mean time from the first sight of a block to its finalization, last 60 heights"
      />
      <Metric
        label="Nodes up"
        value={`${figures.up} / ${figures.all}`}
        tone={figures.up < figures.all ? 'tone-warning' : undefined}
      />
      <div
        className="metric"
        title="Checked for every height of every subnet: one finalized block, equal state roots"
      >
        <dt>Safety</dt>
        <dd className={broken ? 'tone-error' : 'tone-good'}>
          <Icon name={broken ? 'alert' : 'shield'} size={14} />
          {broken ? 'broken' : 'holds'}
        </dd>
      </div>
    </dl>
  );
}

function Metric(props: {
  readonly label: string;
  readonly value: string;
  readonly title?: string;
  readonly tone?: string | undefined;
  readonly testId?: string;
  readonly className?: string;
}) {
  return (
    <div className={`metric ${props.className ?? ''}`} title={props.title}>
      <dt>{props.label}</dt>
      <dd className={`mono ${props.tone ?? ''}`} data-testid={props.testId}>
        {props.value}
      </dd>
    </div>
  );
}

function HelpButton() {
  const { ui } = useServices();
  return (
    <button
      type="button"
      className="button button-icon button-quiet"
      aria-label="Help and keys"
      onClick={() => ui.setState({ helpOpen: true })}
    >
      <Icon name="help" />
    </button>
  );
}

function ThemeButton() {
  const { ui } = useServices();
  const theme = useUi((state) => state.theme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  return (
    <button
      type="button"
      className="button button-icon button-quiet"
      aria-label={`Theme: ${theme}. Switch to ${next}`}
      title={`Theme: ${theme}`}
      onClick={() => ui.setState({ theme: next })}
    >
      <Icon name={theme} />
    </button>
  );
}
