import { useServices } from '../services.tsx';
import { AddSubnetButton } from '../subnets/AddSubnet.tsx';
import { NewNetwork } from '../subnets/NewNetwork.tsx';
import { SavedList } from './SavedList.tsx';
import { StoragePanel } from './StoragePanel.tsx';

/** The Networks door: what this browser keeps, and how much room it takes. */
export function NetworksView() {
  const { saved } = useServices();
  return (
    <main className="page networks" id="main" tabIndex={0}>
      <h2 className="page-title">Networks of this browser</h2>
      <p className="lead">
        A network goes on where it was: every block and every canister is on its nodes' disks. A
        reload of the page opens the last one.
      </p>
      <div className="row networks-actions">
        <a className="button button-primary" href="?fresh">
          Open a fresh network
        </a>
        <AddSubnetButton />
      </div>
      <details className="card">
        <summary>Choose its subnets</summary>
        <NewNetwork />
      </details>
      <div className="card">
        <SavedList saved={saved} />
      </div>
      <div className="card">
        <StoragePanel saved={saved} />
      </div>
    </main>
  );
}
