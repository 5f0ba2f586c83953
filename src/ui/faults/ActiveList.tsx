import { Icon } from '../components/icons.tsx';
import { useProjection, useServices, useUi } from '../services.tsx';
import { activeFaults, healEverything } from './active-faults.ts';
import { Failure, useCommandHere } from './controls.tsx';

/** What is on now, each with its undo. */
export function ActiveList() {
  const { network, projection, subnets } = useServices();
  const { run, failure } = useCommandHere();
  const shortcuts = useUi((state) => state.shortcuts);
  const state = useProjection(({ nodes, links, partitions }) => ({ nodes, links, partitions }));
  const active = activeFaults({ ...projection.getState(), ...state }, network.spec);
  return (
    <section aria-labelledby="active-faults" data-testid="active-faults">
      <div className="row row-ends">
        <h2 id="active-faults">
          On now{' '}
          <span className={`tag ${active.length === 0 ? 'tone-good' : 'tone-warning'}`}>
            {active.length}
          </span>
        </h2>
        <button
          type="button"
          className="button"
          aria-keyshortcuts={shortcuts ? 'H' : undefined}
          disabled={active.length === 0}
          title="Undoes everything in this list (H)"
          onClick={() => run((all) => healEverything(all, subnets.getState()))}
        >
          Heal everything
        </button>
      </div>
      {active.length === 0 ? (
        <p className="muted small">No fault and no attack: the network is as it was made.</p>
      ) : (
        <ul className="active-faults">
          {active.map(({ key, text, undo }) => (
            <li key={key}>
              <span>{text}</span>
              <button
                type="button"
                className="button button-icon button-quiet"
                aria-label={`Undo: ${text}`}
                title="Undo"
                onClick={() => run(undo)}
              >
                <Icon name="close" size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Failure failure={failure} />
    </section>
  );
}
