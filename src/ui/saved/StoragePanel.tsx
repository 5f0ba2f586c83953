import type { SavedNetworks } from '../../wire/saved-networks.ts';
import { formatBytes, shortPrincipal } from '../store/format.ts';
import { useSaved } from './use-saved.ts';

/** How much room the nodes take, how much there is, and whether the browser may take it back. */
export function StoragePanel({ saved }: { readonly saved: SavedNetworks }) {
  const { value: use, act } = useSaved(() => saved.storage());
  const persist = (): void => act(saved.persist().then(() => ({ ok: true, value: undefined })));
  const { value: networks } = useSaved(() => saved.list());
  const nameOf = (id: string): string => networks?.find((one) => one.id === id)?.name ?? id;
  const kept = new Set(use?.nodes.map(({ networkId }) => networkId));
  return (
    <section aria-labelledby="storage-title" data-testid="storage">
      <h3 id="storage-title">Storage</h3>
      <dl className="fields">
        <dt>Used</dt>
        <dd className="mono">{known(use?.usedBytes)}</dd>
        <dt>The browser gives</dt>
        <dd className="mono">{known(use?.quotaBytes)}</dd>
        <dt>Kept when the disk is full</dt>
        <dd data-testid="persisted">
          {use?.persisted === true ? (
            'yes, the browser promised'
          ) : (
            <div className="row saved-head">
              <span>no: the browser may erase everything</span>
              <button type="button" className="button" onClick={persist}>
                Ask it to keep them
              </button>
            </div>
          )}
        </dd>
      </dl>
      {[...kept].map((networkId) => (
        <details key={networkId}>
          <summary className="small">Nodes of “{nameOf(networkId)}”</summary>
          <dl className="fields">
            {use?.nodes
              .filter((node) => node.networkId === networkId)
              .flatMap(({ nodeId, bytes }) => [
                <dt key={`${nodeId} name`} className="mono">
                  {shortPrincipal(nodeId)}
                </dt>,
                <dd key={nodeId} className="mono">
                  {formatBytes(bytes)}
                </dd>,
              ])}
          </dl>
        </details>
      ))}
    </section>
  );
}

function known(bytes: number | null | undefined): string {
  return typeof bytes === 'number' ? formatBytes(bytes) : '–';
}
