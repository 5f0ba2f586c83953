import { useCommand, useProjection } from '../services.tsx';
import { Icon } from './icons.tsx';

/** Shares of full speed that the page offers. */
const RATES = [
  [1, '1×'],
  [0.5, '½×'],
  [0.25, '¼×'],
  [0.1, '⅒×'],
] as const;

const PACE_NAMES = { mainnet: 'Mainnet pace', classroom: 'Classroom', turbo: 'Turbo' } as const;

export function ClockControls() {
  const command = useCommand();
  const clock = useProjection((projection) => projection.clock);
  const paused = clock?.paused === true;
  const pace = clock?.pace ?? 'turbo';
  const rate = paused ? undefined : clock?.rate;
  return (
    <div className="clock" role="group" aria-label="Network time">
      <button
        type="button"
        className="button button-icon"
        aria-label={paused ? 'Resume' : 'Pause'}
        aria-keyshortcuts="Space"
        title={paused ? 'Resume (Space)' : 'Pause (Space)'}
        onClick={() => command(({ clock }) => (paused ? clock.resume() : clock.pause()))}
      >
        <Icon name={paused ? 'play' : 'pause'} size={16} />
      </button>
      <button
        type="button"
        className="button button-icon"
        aria-label="Step: run until the next block is finalized"
        title="Step to the next finalized block (.)"
        onClick={() => command(({ clock }) => clock.step())}
      >
        <Icon name="step" size={16} />
      </button>
      <select
        className="input"
        aria-label="Speed of time"
        value={RATES.find(([value]) => value === rate)?.[0] ?? 1}
        disabled={paused}
        onChange={(event) => {
          const chosen = Number(event.currentTarget.value);
          command(({ clock }) => clock.setRate(chosen));
        }}
      >
        {RATES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <select
        className="input"
        aria-label="Pace of consensus"
        value={pace}
        onChange={(event) => {
          const chosen = event.currentTarget.value as typeof pace;
          command(({ clock }) => clock.setPace(chosen));
        }}
      >
        {Object.entries(PACE_NAMES).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
