import { useState } from 'react';
import { CopyText } from '../components/CopyText.tsx';
import { formatBytes, formatTime } from '../store/format.ts';
import type { CanisterDesk, Snapshot } from './canister-desk.ts';
import type { WorkshopClient } from './client.ts';

interface SnapshotsProps {
  /** Principal as text. */
  readonly canisterId: string;
  readonly name: string;
  readonly client: () => Promise<WorkshopClient>;
}

/** Copies of a canister that the subnet keeps: taken, loaded and deleted here. */
export function Snapshots({ canisterId, name, client }: SnapshotsProps) {
  const [snapshots, setSnapshots] = useState<readonly Snapshot[] | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const [said, setSaid] = useState<{ readonly good: boolean; readonly text: string } | null>(null);

  const run = async (
    doing: string,
    done: string | null,
    act: (desk: CanisterDesk) => Promise<void>,
  ): Promise<void> => {
    setBusy(doing);
    setSaid(null);
    try {
      const { desk } = await client();
      await act(desk);
      setSnapshots(await desk.snapshots(canisterId));
      setSaid(done === null ? null : { good: true, text: done });
    } catch (reason) {
      setSaid({ good: false, text: reason instanceof Error ? reason.message : String(reason) });
    }
    setBusy(null);
  };
  const start = (
    doing: string,
    done: string | null,
    act: (desk: CanisterDesk) => Promise<void>,
  ): void => void run(doing, done, act);
  const open = (isOpen: boolean): void => {
    if (isOpen && snapshots === null && busy === null) {
      start('Asking the subnet', null, () => Promise.resolve());
    }
  };
  return (
    <details
      className="facts"
      data-testid="snapshots"
      onToggle={(event) => open(event.currentTarget.open)}
    >
      <summary>
        Snapshots{' '}
        {snapshots === null ? null : <span className="muted small">{snapshots.length} of 10</span>}
      </summary>
      {snapshots !== null && snapshots.length === 0 && busy === null ? (
        <p className="small muted">
          None yet. A snapshot keeps code, memories and certified data; loading it brings them back.
        </p>
      ) : null}
      <ul className="snapshots">
        {(snapshots ?? []).map((snapshot) => (
          <SnapshotLine
            key={snapshot.id}
            snapshot={snapshot}
            busy={busy !== null}
            onLoad={() =>
              start('Loading the snapshot', `${name} is as it was.`, (desk) =>
                desk.loadSnapshot(canisterId, snapshot.id),
              )
            }
            onDelete={() =>
              start('Deleting the snapshot', 'The snapshot is gone.', (desk) =>
                desk.deleteSnapshot(canisterId, snapshot.id),
              )
            }
          />
        ))}
      </ul>
      <div className="row">
        <button
          type="button"
          className="button"
          disabled={busy !== null}
          onClick={() =>
            start('Taking a snapshot', 'Snapshot taken.', (desk) => desk.takeSnapshot(canisterId))
          }
        >
          Take a snapshot
        </button>
      </div>
      <div role="status" className="small">
        {busy === null ? null : <span className="muted">{busy} (a consensus round)</span>}
        {said === null ? null : (
          <span className={said.good ? 'tone-good' : 'tone-error outcome-text'}>
            {said.good ? '✓' : '×'} {said.text}
          </span>
        )}
      </div>
    </details>
  );
}

interface SnapshotLineProps {
  readonly snapshot: Snapshot;
  readonly busy: boolean;
  readonly onLoad: () => void;
  readonly onDelete: () => void;
}

function SnapshotLine({ snapshot, busy, onLoad, onDelete }: SnapshotLineProps) {
  const { id, takenAtNs, bytes } = snapshot;
  const taken = formatTime(takenAtNs).slice(0, 8);
  return (
    <li>
      <CopyText full={id} short={`#${BigInt(`0x${id.slice(0, 16)}`)}`} />
      <span className="muted small mono snapshot-facts">
        {taken}, {formatBytes(Number(bytes))}
      </span>
      <button
        type="button"
        className="button"
        aria-label={`Load the snapshot of ${taken}`}
        disabled={busy}
        onClick={onLoad}
      >
        Load
      </button>
      <button
        type="button"
        className="button button-danger"
        aria-label={`Delete the snapshot of ${taken}`}
        disabled={busy}
        onClick={onDelete}
      >
        Delete
      </button>
    </li>
  );
}
