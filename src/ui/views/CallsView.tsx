import type { CanisterView } from '../../wire/projection.ts';
import { subnetName } from '../../wire/topology.ts';
import { CallTrees } from '../components/CallTree.tsx';
import { QueueDepth } from '../components/QueueDepth.tsx';
import { useServices, useSubnets, useUi } from '../services.tsx';
import { useCanisterName } from '../store/canister-names.ts';
import { formatCount, shortPrincipal } from '../store/format.ts';

const MAX_CANISTERS = 12;

/** What waits at each canister, subnet by subnet, and who called whom across them. */
export function CallsView() {
  const count = useSubnets((all) => all.length);
  return (
    <div className="calls" data-testid="calls-view">
      <section aria-labelledby="waiting-title">
        <h2 id="waiting-title">What waits at each canister</h2>
        <div className="calls-subnets">
          {Array.from({ length: count }, (_, index) => (
            <SubnetQueues key={index} index={index} />
          ))}
        </div>
      </section>
      <section aria-labelledby="trees-title">
        <h2 id="trees-title">Who called whom</h2>
        <CallTrees withLanes />
      </section>
    </div>
  );
}

/** All canisters where they are few, else those first that something waits at. */
function SubnetQueues({ index }: { readonly index: number }) {
  const canisters = useSubnets((all) => all[index]?.canisters) ?? [];
  const live = canisters.filter(({ facts }) => facts.status !== 'deleted');
  const few = live.length <= MAX_CANISTERS;
  const shown = few ? live : live.toSorted((a, b) => waitingAt(b) - waitingAt(a));
  return (
    <div className="card calls-subnet" data-testid={`queues-${index + 1}`}>
      <h3>{subnetName(index)}</h3>
      {live.length === 0 ? (
        <p className="muted small">
          No canister yet. <a href="#/build">Deploy one</a>.
        </p>
      ) : (
        <ul>
          {shown.slice(0, MAX_CANISTERS).map(({ facts }) => (
            <CanisterQueues key={facts.canisterId} facts={facts} />
          ))}
        </ul>
      )}
      {few ? null : (
        <p className="muted small">and {formatCount(live.length - MAX_CANISTERS)} more</p>
      )}
    </div>
  );
}

function waitingAt({ facts: { queues } }: CanisterView): number {
  return queues.inputs + queues.outputs + queues.openCalls;
}

function CanisterQueues({ facts }: Pick<CanisterView, 'facts'>) {
  const { ui } = useServices();
  const { canisterId, status, queues } = facts;
  const name = useCanisterName(canisterId);
  const selected = useUi(
    ({ selection }) => selection?.kind === 'canister' && selection.canisterId === canisterId,
  );
  return (
    <li>
      <div className="row calls-canister">
        <button
          type="button"
          className="button-link mono"
          aria-pressed={selected}
          onClick={() => ui.setState({ selection: { kind: 'canister', canisterId } })}
        >
          {shortPrincipal(canisterId)}
        </button>
        {name === undefined ? null : <span>{name}</span>}
        {status === 'running' ? null : <span className="tone-warning">{status}</span>}
      </div>
      <QueueDepth queues={queues} />
    </li>
  );
}
