import { subnetName } from '../../wire/topology.ts';
import { CallTrees } from '../components/CallTree.tsx';
import { CopyText } from '../components/CopyText.tsx';
import { LastMessage } from '../components/LastMessage.tsx';
import { QueueDepth } from '../components/QueueDepth.tsx';
import { useSubnets } from '../services.tsx';
import { useCanisterName } from '../store/canister-names.ts';
import { formatBytes, formatCycles, principalText, shortHash } from '../store/format.ts';

/** A canister of any subnet: what waits at it, what it holds, and the calls that it has a part in. */
export function CanisterInspector({ canisterId }: { readonly canisterId: string }) {
  const name = useCanisterName(canisterId);
  const home = useSubnets((all) =>
    all.findIndex(({ canisters }) =>
      canisters.some(({ facts }) => facts.canisterId === canisterId),
    ),
  );
  const facts = useSubnets(
    (all) => all[home]?.canisters.find((view) => view.facts.canisterId === canisterId)?.facts,
  );
  const last = useSubnets((all) =>
    all[home]?.messages.findLast((message) => message.canisterId === canisterId),
  );
  return (
    <section aria-labelledby="inspected" data-testid="canister-inspector">
      <div className="inspector-head">
        <h2 id="inspected">{name ?? 'Canister'}</h2>
        <span className={`tag ${facts?.status === 'running' ? 'tone-good' : 'tone-warning'}`}>
          {facts?.status ?? 'unknown'}
        </span>
      </div>
      <dl className="fields">
        <dt>Canister id</dt>
        <dd>
          <CopyText full={principalText(canisterId)} short={principalText(canisterId)} />
        </dd>
        {home < 0 ? null : (
          <>
            <dt>Subnet</dt>
            <dd>{subnetName(home)}</dd>
          </>
        )}
        {facts === undefined ? null : (
          <>
            <dt>Cycles</dt>
            <dd className="mono">{formatCycles(facts.cycles)}</dd>
            <dt>Memory</dt>
            <dd className="mono">{formatBytes(facts.memoryBytes)}</dd>
            <dt>Module</dt>
            <dd>
              {facts.moduleHash === null ? (
                'none'
              ) : (
                <CopyText full={facts.moduleHash} short={shortHash(facts.moduleHash)} />
              )}
            </dd>
          </>
        )}
        <LastMessage message={last} />
      </dl>
      <h3>What waits</h3>
      {facts === undefined ? (
        <p className="muted small">No node has told of this canister.</p>
      ) : (
        <QueueDepth queues={facts.queues} />
      )}
      <h3>Its calls</h3>
      <CallTrees about={canisterId} />
    </section>
  );
}
