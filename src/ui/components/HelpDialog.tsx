import { useEffect, useRef } from 'react';
import { useServices, useUi } from '../services.tsx';
import { Icon } from './icons.tsx';

const KEYS: readonly (readonly [string, string])[] = [
  ['Space', 'pause and resume time'],
  ['.', 'step to the next finalized block'],
  ['1 … 9', 'select a node'],
  ['K', 'kill or restart the selected node'],
  ['P', 'choose sides and split the network'],
  ['H', 'heal everything: faults, attacks, nodes that are down'],
  ['O', 'all subnets, or the selected one alone'],
  ['C', 'calls between canisters, and what waits at each'],
  ['T', 'picture or tables'],
  ['Esc', 'deselect'],
  ['?', 'this help'],
];

const TERMS: readonly (readonly [string, string])[] = [
  [
    'Notarized',
    'More than two thirds of the nodes signed that the block is valid. Two blocks of one height can both be notarized.',
  ],
  [
    'Finalized',
    'More than two thirds of the nodes signed that this is the only block they notarized at its height. It can never be undone.',
  ],
  [
    'Rank',
    'The random beacon orders the block makers anew for each height; rank 0 proposes first.',
  ],
  [
    'Certified',
    'The nodes signed the root hash of the state together, so that a client can check an answer with one key.',
  ],
  [
    'Stream',
    'The messages from one subnet to another, in order, as part of the sender’s certified state; each keeps its index for ever.',
  ],
  [
    'Slice',
    'A piece of a stream with the sender’s certification: it travels in a block of the receiver, and any node can check it.',
  ],
  [
    'Signal',
    'The receiver’s word in its own stream that it took, or refused, the messages up to an index; the sender then forgets them.',
  ],
  [
    'Catch-up package',
    'All a node needs to join at a height: the block, the beacon and the hash of the state, signed by the subnet.',
  ],
];

export function HelpDialog() {
  const { ui } = useServices();
  const open = useUi((state) => state.helpOpen);
  const shortcuts = useUi((state) => state.shortcuts);
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) {
      ref.current?.showModal();
    } else {
      ref.current?.close();
    }
  }, [open]);
  return (
    <dialog
      ref={ref}
      className="dialog"
      aria-labelledby="help-title"
      onClose={() => ui.setState({ helpOpen: false })}
    >
      <div className="inspector-head">
        <h2 id="help-title">Keys and words</h2>
        <button
          type="button"
          className="button button-icon button-quiet"
          aria-label="Close help"
          onClick={() => ui.setState({ helpOpen: false })}
        >
          <Icon name="close" size={16} />
        </button>
      </div>
      <dl className="keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => ui.setState({ shortcuts: event.currentTarget.checked })}
        />
        Keys of one character are on
      </label>
      <dl className="terms">
        {TERMS.map(([term, meaning]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd className="muted">{meaning}</dd>
          </div>
        ))}
      </dl>
      <p className="small">
        <a href="#/honesty" onClick={() => ui.setState({ helpOpen: false })}>
          How this network differs from mainnet
        </a>
      </p>
    </dialog>
  );
}
