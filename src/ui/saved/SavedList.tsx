import { useState } from 'react';
import type { SavedNetwork, SavedNetworks, SavedResult } from '../../wire/saved-networks.ts';
import { formatBytes, formatCount } from '../store/format.ts';
import { Snapshots } from './Snapshots.tsx';
import { formatAge, useSaved } from './use-saved.ts';

const STATE_WORDS: Readonly<Record<SavedNetwork['state'], readonly [tone: string, words: string]>> =
  {
    openHere: ['tone-good', 'this one'],
    openElsewhere: ['tone-info', 'open in another tab'],
    openable: ['tone-info', 'saved'],
    otherFormat: ['tone-warning', 'other format'],
    deleted: ['tone-warning', 'deleted'],
  };

/** The networks of this browser, newest first: open, rename, delete with undo. */
export function SavedList({ saved }: { readonly saved: SavedNetworks }) {
  const { value: networks, problem, act } = useSaved(() => saved.list());
  return (
    <section aria-labelledby="saved-title" data-testid="saved-networks">
      <div className="row saved-head">
        <h3 id="saved-title">Saved networks</h3>
        <ImportField saved={saved} act={act} />
      </div>
      {problem === null ? null : (
        <p className="tone-error small" role="alert">
          {problem}
        </p>
      )}
      {networks === undefined ? (
        <p className="muted small">Reading the list</p>
      ) : networks.length === 0 ? (
        <p className="muted small">Nothing is saved in this browser.</p>
      ) : (
        <ul className="saved">
          {networks.map((network) => (
            <SavedRow key={network.id} network={network} saved={saved} act={act} />
          ))}
        </ul>
      )}
    </section>
  );
}

interface SavedRowProps {
  readonly network: SavedNetwork;
  readonly saved: SavedNetworks;
  readonly act: ReturnType<typeof useSaved>['act'];
}

function SavedRow({ network, saved, act }: SavedRowProps) {
  const { id, name, state, problem } = network;
  const [tone, words] = STATE_WORDS[state];
  return (
    <li className="saved-row" data-testid="saved-network">
      <div className="row">
        <NameField
          name={name}
          disabled={state === 'otherFormat' || state === 'deleted'}
          onRename={(next) => act(saved.rename(id, next))}
        />
        <span className={`tag ${tone}`}>{words}</span>
      </div>
      <p className="muted small">{problem ?? factsOf(network)}</p>
      <div className="row">
        {state === 'openable' ? (
          <a className="button" href={`?network=${id}`}>
            Open
          </a>
        ) : null}
        {state === 'openable' || state === 'openHere' ? (
          <button type="button" className="button" onClick={() => act(download(saved, network))}>
            Export
          </button>
        ) : null}
        {state === 'openable' || state === 'otherFormat' ? (
          <button type="button" className="button" onClick={() => act(saved.remove(id))}>
            Delete
          </button>
        ) : null}
        {state === 'deleted' ? (
          <>
            <button type="button" className="button" onClick={() => act(saved.restore(id))}>
              Undo
            </button>
            <button type="button" className="button" onClick={() => act(saved.erase(id))}>
              Erase now
            </button>
          </>
        ) : null}
      </div>
      {state === 'openHere' || state === 'openable' ? (
        <Snapshots network={network} saved={saved} act={act} />
      ) : null}
    </li>
  );
}

/** Gives the reader a file; the browser asks where to put it. */
async function download(saved: SavedNetworks, { id, name }: SavedNetwork): SavedResult<void> {
  const made = await saved.exportNetwork(id);
  if (!made.ok) {
    return made;
  }
  const url = URL.createObjectURL(made.value);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name.replace(/[^\w.-]+/gu, '-')}.subnetarium`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
  return { ok: true, value: undefined };
}

/** The browser has begun to read the file long before. */
const REVOKE_MS = 60_000;

function ImportField({ saved, act }: Pick<SavedRowProps, 'saved' | 'act'>) {
  const take = (input: HTMLInputElement): void => {
    const [file] = input.files ?? [];
    if (file !== undefined) {
      act(saved.importNetwork(file));
      input.value = '';
    }
  };
  return (
    <label className="button saved-import">
      Import a file
      <input
        className="visually-hidden"
        type="file"
        accept=".subnetarium"
        onChange={(event) => take(event.currentTarget)}
      />
    </label>
  );
}

function factsOf({ subnetSizes, height, canisters, bytes, lastSeenMs }: SavedNetwork): string {
  return [
    `${subnetSizes.join(' + ')} nodes`,
    `height ${formatCount(height)}`,
    `${formatCount(canisters)} canister${canisters === 1 ? '' : 's'}`,
    ...(bytes === null ? [] : [formatBytes(bytes)]),
    `seen ${formatAge(Date.now() - lastSeenMs)}`,
  ].join(' · ');
}

/** A name that is changed where it stands; Escape takes the change back. */
function NameField(props: {
  readonly name: string;
  readonly disabled: boolean;
  onRename(name: string): void;
}) {
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (): void => {
    if (draft !== null && draft.trim() !== '' && draft.trim() !== props.name) {
      props.onRename(draft);
    }
    setDraft(null);
  };
  return (
    <input
      className="input saved-name"
      aria-label="Name of the network"
      maxLength={60}
      disabled={props.disabled}
      value={draft ?? props.name}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          commit();
        } else if (event.key === 'Escape') {
          setDraft(null);
        }
      }}
    />
  );
}
