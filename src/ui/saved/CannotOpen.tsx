import type { SavedNetworks } from '../../wire/saved-networks.ts';
import { BrandMark } from '../components/TopBar.tsx';
import { SavedList } from './SavedList.tsx';

/** A saved network that the address means and that cannot be opened here and now. */
export interface UnopenedNetwork {
  readonly name: string;
  readonly why: 'openElsewhere' | 'otherFormat' | 'unknown';
}

const WORDS: Readonly<Record<UnopenedNetwork['why'], readonly [what: string, advice: string]>> = {
  openElsewhere: [
    'is open in another tab.',
    'Its nodes run there, and one network has one tab. It opens here as soon as the other tab is closed.',
  ],
  otherFormat: [
    'was saved by another version of this page.',
    'Nothing was changed: it stays on the disk until you delete it.',
  ],
  unknown: ['is not among the networks of this browser.', 'The address may be of another browser.'],
};

/** Instead of the network: why it is not here, and what there is. */
export function CannotOpen(props: {
  readonly network: UnopenedNetwork;
  readonly saved: SavedNetworks;
}) {
  const { name, why } = props.network;
  const [what, advice] = WORDS[why];
  return (
    <main className="boot">
      <div className="boot-card boot-card-wide" data-testid="cannot-open">
        <h1 className="boot-title">
          <BrandMark /> Subnetarium
        </h1>
        <p role="status">
          The network <b>{name}</b> {what}
        </p>
        <p className="muted small">{advice}</p>
        <a className="button button-primary" href="?fresh">
          Open a fresh network
        </a>
        <SavedList saved={props.saved} />
      </div>
    </main>
  );
}
