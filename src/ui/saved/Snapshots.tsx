import { useState } from 'react';
import {
  type AutosaveSetting,
  isAutosaveSetting,
  MAX_KEPT_SNAPSHOTS,
  type SavedNetwork,
  type SavedNetworks,
  type SavedSnapshot,
} from '../../wire/saved-networks.ts';
import { formatBytes, formatCount } from '../store/format.ts';
import { formatAge, type useSaved } from './use-saved.ts';

interface SnapshotsProps {
  readonly network: SavedNetwork;
  readonly saved: SavedNetworks;
  readonly act: ReturnType<typeof useSaved>['act'];
}

/** Moments of a network that one can go back to; going back makes a network of its own. */
export function Snapshots({ network, saved, act }: SnapshotsProps) {
  const { id, state, snapshots, autosave, autosaveProblem } = network;
  const [isTaking, setTaking] = useState(false);
  const take = (): void => {
    setTaking(true);
    act(saved.takeSnapshot(id).finally(() => setTaking(false)));
  };
  const kept = snapshots.filter(({ isDeleted }) => !isDeleted).length;
  return (
    <details data-testid="snapshots">
      <summary className="small">Go back to … ({kept})</summary>
      {autosaveProblem === null ? null : (
        <p className="tone-warning small" role="status">
          The last snapshot was not taken: {autosaveProblem}
        </p>
      )}
      <ul className="snapshots">
        {snapshots.map((snapshot) => (
          <SnapshotRow key={snapshot.id} snapshot={snapshot} saved={saved} act={act} />
        ))}
      </ul>
      {state === 'openHere' ? (
        <button type="button" className="button" disabled={isTaking} onClick={take}>
          {isTaking ? 'Taking a snapshot' : 'Take a snapshot now'}
        </button>
      ) : null}
      <AutosaveFields
        setting={autosave}
        onChange={(setting) => act(saved.setAutosave(id, setting))}
      />
    </details>
  );
}

function SnapshotRow(
  props: { readonly snapshot: SavedSnapshot } & Pick<SnapshotsProps, 'saved' | 'act'>,
) {
  const { snapshot, saved, act } = props;
  const { id, isDeleted } = snapshot;
  const goBack = async (): Promise<{ readonly ok: true; readonly value: undefined }> => {
    const opened = await saved.openSnapshot(id);
    if (!opened.ok) {
      throw new TypeError(opened.error.message);
    }
    location.assign(`?network=${opened.value}`);
    return { ok: true, value: undefined };
  };
  return (
    <li className="row" data-testid="snapshot">
      <span className="small snapshots-facts">{factsOf(snapshot)}</span>
      {isDeleted ? (
        <button type="button" className="button" onClick={() => act(saved.restoreSnapshot(id))}>
          Undo
        </button>
      ) : (
        <>
          <button type="button" className="button" onClick={() => act(goBack())}>
            Open as a new network
          </button>
          <button type="button" className="button" onClick={() => act(saved.removeSnapshot(id))}>
            Delete
          </button>
        </>
      )}
    </li>
  );
}

function factsOf({ takenMs, height, bytes }: SavedSnapshot): string {
  const age = formatAge(Date.now() - takenMs);
  return `${age} · height ${formatCount(height)} · ${formatBytes(bytes)}`;
}

function AutosaveFields(props: {
  readonly setting: AutosaveSetting;
  onChange(setting: AutosaveSetting): void;
}) {
  const { kept, everyMinutes } = props.setting;
  const change = (next: Partial<AutosaveSetting>): void => {
    const setting = { kept, everyMinutes, ...next };
    if (isAutosaveSetting(setting)) {
      props.onChange(setting);
    }
  };
  return (
    <div className="row autosave small">
      <label>
        Keep the last{' '}
        <input
          className="input"
          type="number"
          min={0}
          max={MAX_KEPT_SNAPSHOTS}
          defaultValue={kept}
          onChange={(event) => change({ kept: event.currentTarget.valueAsNumber })}
        />
      </label>
      <label>
        taken every{' '}
        <input
          className="input"
          type="number"
          min={1}
          max={1440}
          defaultValue={everyMinutes}
          onChange={(event) => change({ everyMinutes: event.currentTarget.valueAsNumber })}
        />{' '}
        minutes
      </label>
    </div>
  );
}
