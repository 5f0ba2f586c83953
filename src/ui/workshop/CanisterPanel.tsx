import { Principal } from '@icp-sdk/core/principal';
import { CallTrees } from '../components/CallTree.tsx';
import { CopyText } from '../components/CopyText.tsx';
import { LastMessage } from '../components/LastMessage.tsx';
import type { CanisterView } from '../../wire/projection.ts';
import { subnetName } from '../../wire/topology.ts';
import { useSubnets } from '../services.tsx';
import { formatBytes, formatCount, formatCycles, shortHash } from '../store/format.ts';
import type { DeployedCanister } from '../store/workshop-store.ts';
import { CanisterFacts } from './CanisterFacts.tsx';
import type { WorkshopClient } from './client.ts';
import { ForkButton } from './ForkButton.tsx';
import { History } from './History.tsx';
import { MethodCard } from './MethodCard.tsx';
import { Snapshots } from './Snapshots.tsx';

interface CanisterPanelProps {
  readonly canister: DeployedCanister;
  readonly client: () => Promise<WorkshopClient>;
}

/** A deployed canister: what it holds, its methods, and what it printed. */
export function CanisterPanel({ canister, client }: CanisterPanelProps) {
  const { canisterId, did, name, wasmBytes } = canister;
  const hex = Principal.fromText(canisterId).toHex().toLowerCase();
  // Canisters of all subnets are shown, whichever one the ring shows.
  const view = useSubnets((all) =>
    all
      .flatMap(({ canisters }) => canisters)
      .find((candidate) => candidate.facts.canisterId === hex),
  );
  const last = useSubnets((all) =>
    all.flatMap(({ messages }) => messages).findLast((message) => message.canisterId === hex),
  );
  const home = useSubnets((all) =>
    all.length === 1
      ? undefined
      : all.find(({ canisters }) => canisters.some(({ facts }) => facts.canisterId === hex))
          ?.subnetIndex,
  );
  const facts = view?.facts;
  return (
    <section className="card canister" aria-label={`Canister ${name}`} data-testid="canister">
      <div className="inspector-head">
        <h2>{name}</h2>
        <span className={`tag ${facts?.status === 'running' ? 'tone-good' : 'tone-info'}`}>
          {facts?.status ?? 'installed'}
        </span>
        <ForkButton canister={canister} />
      </div>
      <dl className="fields">
        <dt>Canister id</dt>
        <dd>
          <CopyText full={canisterId} short={canisterId} />
        </dd>
        {home === undefined ? null : (
          <>
            <dt>Subnet</dt>
            <dd>{subnetName(home)}</dd>
          </>
        )}
        <dt>Cycles</dt>
        <dd className="mono">{facts === undefined ? '–' : formatCycles(facts.cycles)}</dd>
        <dt>Memory</dt>
        <dd className="mono">{facts === undefined ? '–' : formatBytes(facts.memoryBytes)}</dd>
        <dt>Waiting</dt>
        <dd>{facts === undefined ? '–' : queuesInWords(facts.queues)}</dd>
        <dt>Module</dt>
        <dd>
          {facts?.moduleHash ? (
            <CopyText full={facts.moduleHash} short={shortHash(facts.moduleHash)} />
          ) : (
            '–'
          )}
          <span className="muted"> {formatBytes(wasmBytes)}</span>
        </dd>
        <LastMessage message={last} />
      </dl>
      <div className="methods">
        {did.methods.map((method) => (
          <MethodCard key={method.name} canister={canister} method={method} client={client} />
        ))}
      </div>
      <div>
        <CanisterFacts
          canisterId={canisterId}
          client={client}
          changed={`${facts?.version ?? ''} ${facts?.cycles ?? ''} ${facts?.memoryBytes ?? ''}`}
        />
        <History changes={view?.changes ?? []} />
        <Snapshots canisterId={canisterId} name={name} client={client} />
      </div>
      <h3>Calls with other canisters</h3>
      <CallTrees about={hex} />
      <h3>Log</h3>
      {view === undefined || view.logs.length === 0 ? (
        <p className="muted small">The canister has printed nothing.</p>
      ) : (
        <pre className="log mono" tabIndex={0} aria-label={`Log of ${name}`}>
          {view.logs.slice(-50).map((line, index) => (
            <span key={index} className={line.startsWith('[TRAP]') ? 'tone-error' : undefined}>
              {line}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

/** What waits at a canister after its subnet's last round that changed it. */
function queuesInWords({ inputs, outputs, openCalls }: CanisterView['facts']['queues']): string {
  return `${formatCount(inputs)} messages in, ${formatCount(outputs)} out, ${formatCount(openCalls)} open calls`;
}
