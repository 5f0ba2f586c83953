import { useStore } from 'zustand';
import type { Services } from '../services.tsx';
import { SavedList } from './SavedList.tsx';

/** Beside a network that does not start: why that may be, and what can be opened in its place. */
export function Instead({ services }: { readonly services: Services }) {
  const damaged = useStore(
    services.subnets,
    (all) => all.flatMap(({ nodes }) => nodes).filter((node) => node.criticalErrors > 0).length,
  );
  return (
    <div data-testid="instead">
      <p className="small" role="status">
        {damaged === 0
          ? 'The network has made no block yet.'
          : `The network has made no block yet, and ${damaged === 1 ? 'the disk of one node is' : `the disks of ${damaged} nodes are`} damaged: what no node holds any more does not come back.`}{' '}
        It stays as it is. Instead you can go back to a snapshot, import a file, or open another
        network:
      </p>
      <SavedList saved={services.saved} />
    </div>
  );
}
