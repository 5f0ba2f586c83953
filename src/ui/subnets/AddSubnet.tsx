import { useEffect, useRef, useState } from 'react';
import { MAX_SUBNETS } from '../../wire/network-spec.ts';
import { subnetName } from '../../wire/topology.ts';
import { useElapsed } from '../components/Boot.tsx';
import { Icon } from '../components/icons.tsx';
import { Mutating } from '../components/ReadOnly.tsx';
import { useServices, useSubnets } from '../services.tsx';
import { NEW_SUBNET, problemOf, SubnetFields } from './SubnetFields.tsx';

/** Opens the dialog; where the network cannot grow, it says why and which one can. */
export function AddSubnetButton() {
  const [isOpen, setOpen] = useState(false);
  const { isSystem, count } = useSubnets((all) => ({
    isSystem: all[0]?.topology.subnets[0]?.type === 'system',
    count: all.length,
  }));
  if (!isSystem) {
    return (
      <p className="muted small">
        Subnets can be added to a network whose first one is a system subnet:{' '}
        <a href="?subnets=system:4,application:4&fresh">open one of two subnets</a>.
      </p>
    );
  }
  return count >= MAX_SUBNETS ? null : (
    <>
      <Mutating>
        <button type="button" className="button" onClick={() => setOpen(true)}>
          <Icon name="plus" size={15} /> Add a subnet
        </button>
      </Mutating>
      {isOpen ? <AddSubnetDialog number={count + 1} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

interface AddSubnetDialogProps {
  readonly number: number;
  readonly onClose: () => void;
}

type Progress =
  | { readonly kind: 'asking' }
  | { readonly kind: 'adding'; readonly startedMs: number }
  | { readonly kind: 'refused'; readonly reason: string };

function AddSubnetDialog({ number, onClose }: AddSubnetDialogProps) {
  const { network, ui } = useServices();
  const [draft, setDraft] = useState(NEW_SUBNET);
  const [progress, setProgress] = useState<Progress>({ kind: 'asking' });
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  const problem = problemOf(draft);
  // The reader may have closed the dialog and be elsewhere by then.
  const refuse = (reason: string): void =>
    ref.current === null
      ? ui.setState({ commandError: `The subnet was not added: ${reason}` })
      : setProgress({ kind: 'refused', reason });
  const add = (event: React.FormEvent): void => {
    event.preventDefault();
    setProgress({ kind: 'adding', startedMs: performance.now() });
    network.registry.addSubnet(draft).then(
      (result) => {
        if (!result.ok) {
          refuse(result.error.message);
          return;
        }
        if (ref.current === null) {
          return;
        }
        const subnet = network
          .topology()
          .subnets.findIndex(({ subnetId }) => subnetId === result.value);
        location.hash = '#/observe';
        ui.setState({ subnet, overview: true, scene: 'picture' });
        onClose();
      },
      (reason: unknown) => refuse(String(reason)),
    );
  };
  return (
    <dialog ref={ref} className="dialog" aria-labelledby="add-subnet-title" onClose={onClose}>
      <form className="subnet-form" onSubmit={add}>
        <div className="inspector-head">
          <h2 id="add-subnet-title">Add {subnetName(number - 1)}</h2>
          <button
            type="button"
            className="button button-icon button-quiet inspector-head-end"
            aria-label="Close"
            onClick={onClose}
          >
            <Icon name="close" size={16} />
          </button>
        </div>
        <p className="muted small">
          A dealer makes its keys, the root subnet writes it into the registry through its own
          consensus, and its nodes start here. It owns the next range of canister ids.
        </p>
        <SubnetFields draft={draft} onChange={setDraft} />
        <div role="status">
          {problem === undefined ? null : <p className="tone-error small">{problem}</p>}
          {progress.kind === 'refused' ? (
            <p className="tone-error small">It was not added: {progress.reason}</p>
          ) : null}
          {progress.kind === 'adding' ? <Adding startedMs={progress.startedMs} /> : null}
        </div>
        <div className="row">
          <button
            type="submit"
            className="button button-primary"
            disabled={problem !== undefined || progress.kind === 'adding'}
          >
            Add it
          </button>
          <button type="button" className="button" onClick={onClose}>
            {progress.kind === 'adding' ? 'Close, it goes on' : 'Cancel'}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function Adding({ startedMs }: { readonly startedMs: number }) {
  const elapsedMs = useElapsed(startedMs);
  return (
    <p className="small">
      Waiting for the root subnet to write it into the registry{' '}
      <span className="mono muted" aria-hidden="true">
        {(elapsedMs / 1000).toFixed(1)} s
      </span>
    </p>
  );
}
