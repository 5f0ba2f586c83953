import type { CanisterChangeView } from '../../wire/projection.ts';
import { CopyText } from '../components/CopyText.tsx';
import { formatCount, shortHash } from '../store/format.ts';

/** What became of a canister since the page was opened. */
export function History({ changes }: { readonly changes: readonly CanisterChangeView[] }) {
  return (
    <details className="facts" data-testid="history">
      <summary>
        History <span className="muted small">{changes.length} seen</span>
      </summary>
      {changes.length === 0 ? (
        <p className="small muted">No node has told of this canister yet.</p>
      ) : (
        <ol className="snapshots">
          {changes.toReversed().map((change) => (
            <li key={change.height}>
              <span className="mono small muted">height {formatCount(change.height)}</span>
              <span className="small">{WORDS[change.change](change)}</span>
              {change.moduleHash === null || change.change === 'status' ? null : (
                <CopyText full={change.moduleHash} short={shortHash(change.moduleHash)} />
              )}
            </li>
          ))}
        </ol>
      )}
      <p className="small muted">
        As this page saw it. A canister can ask for the last 20 changes: <code>canister_info</code>.
      </p>
    </details>
  );
}

const WORDS: Readonly<
  Record<CanisterChangeView['change'], (change: CanisterChangeView) => string>
> = {
  seen: ({ moduleHash }) =>
    moduleHash === null ? 'created, without code' : 'first seen, with code',
  code: ({ moduleHash }) => (moduleHash === null ? 'code uninstalled' : 'code installed'),
  status: ({ status }) => `now ${status}`,
};
