import { useStore } from 'zustand';
import { useElapsed } from '../components/Boot.tsx';
import { Icon } from '../components/icons.tsx';
import { useServices } from '../services.tsx';
import type { Topology } from '../../wire/network.ts';
import { subnetName } from '../../wire/topology.ts';
import { typeInWords } from '../components/SubnetTabs.tsx';
import { formatMs } from '../store/format.ts';
import type { DeployStep, PendingInstall } from '../store/workshop-store.ts';
import { ArgumentFields } from './ArgumentFields.tsx';
import type { WorkshopClient } from './client.ts';
import { type DeployTarget, startDeployment } from './deploy.ts';

const STEP_WORDS: Readonly<Record<DeployStep, string>> = {
  loadCompiler: 'Loading the Motoko compiler',
  loadLibrary: 'Loading the core library',
  compile: 'Compiling',
  createCanister: 'Creating the canister (a consensus round)',
  installCode: 'Installing the code (a consensus round)',
};
const STEPS = Object.keys(STEP_WORDS) as readonly DeployStep[];

/** Chooses where the program goes, runs the deployment and shows each of its steps. */
export function DeployPanel({ client }: { readonly client: () => Promise<WorkshopClient> }) {
  const { workshop, compile, network } = useServices();
  const { subnets } = network.topology();
  const { progress, error, canisters, lastTimings, target, pending, running } = useStore(workshop);
  const deploy = (): void =>
    startDeployment(workshop, compile, client, targetOf(target, firstTarget(subnets)));
  const compiling =
    progress !== null && progress.step !== 'createCanister' && progress.step !== 'installCode';
  return (
    <section className="card deploy" aria-labelledby="deploy-title">
      <h2 id="deploy-title">Deploy</h2>
      <div className="row">
        {canisters.length === 0 && subnets.length === 1 ? null : (
          <select
            className="input"
            aria-label="Deploy to"
            value={target === 'new' ? firstTarget(subnets) : target}
            onChange={(event) => workshop.setState({ target: event.currentTarget.value })}
          >
            {newTargets(subnets).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
            {canisters.flatMap(({ canisterId, name }) => [
              <option key={`upgrade ${canisterId}`} value={`upgrade ${canisterId}`}>
                upgrade {name} {canisterId.slice(0, 5)}
              </option>,
              <option key={`reinstall ${canisterId}`} value={`reinstall ${canisterId}`}>
                reinstall {name} {canisterId.slice(0, 5)}
              </option>,
            ])}
          </select>
        )}
        <button
          type="button"
          className="button button-primary"
          disabled={running !== null}
          onClick={deploy}
        >
          Compile and deploy
        </button>
        {compiling ? (
          <button type="button" className="button" onClick={() => running?.cancel()}>
            Cancel
          </button>
        ) : null}
      </div>
      {pending === null ? null : <InitForm pending={pending} />}
      <div role="status">
        {progress === null ? null : <Steps step={progress.step} startedMs={progress.startedMs} />}
        {error === null ? null : (
          <div className="deploy-error">
            <p className="tone-error">
              <Icon name="alert" size={15} /> {error.title}
            </p>
            <p className="small outcome-text">{error.reason}</p>
          </div>
        )}
        {lastTimings.length === 0 ? null : (
          <p className="small muted">
            Deployed:{' '}
            {lastTimings.map(([step, ms]) => `${SHORT_STEPS[step]} ${formatMs(ms)}`).join(', ')}.
          </p>
        )}
      </div>
    </section>
  );
}

/** Asks for what the actor is installed with. */
function InitForm({ pending }: { readonly pending: PendingInstall }) {
  const { workshop } = useServices();
  const { running } = useStore(workshop);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    running?.install();
  };
  return (
    <form className="method" onSubmit={submit} data-testid="init-form">
      <div className="method-head">
        <h3>The actor takes arguments</h3>
        <span className="muted small">from its Candid interface</span>
      </div>
      <ArgumentFields
        args={pending.did.init}
        types={pending.did.types}
        nodes={pending.nodes}
        onChange={(nodes) => workshop.setState({ pending: { ...pending, nodes } })}
      />
      <div className="row">
        <button type="submit" className="button button-primary">
          Install
        </button>
        <button type="button" className="button" onClick={() => running?.cancel()}>
          Cancel
        </button>
      </div>
      <div role="status">
        {pending.problem === null ? null : <p className="tone-error small">{pending.problem}</p>}
      </div>
    </form>
  );
}

const SHORT_STEPS: Readonly<Record<DeployStep, string>> = {
  loadCompiler: 'compiler',
  loadLibrary: 'library',
  compile: 'compile',
  createCanister: 'create',
  installCode: 'install',
};

/** `new 1`, `upgrade <id>`, `reinstall <id>`; `new` until somebody chose. */
function targetOf(choice: string, first: string): DeployTarget {
  const [mode, where = ''] = (choice === 'new' ? first : choice).split(' ');
  return mode === 'upgrade' || mode === 'reinstall'
    ? { mode, canisterId: where, subnet: 0 }
    : { mode: 'install', canisterId: null, subnet: Number(where) };
}

type Subnets = Topology['subnets'];

function newTargets(subnets: Subnets): readonly (readonly [value: string, words: string])[] {
  return subnets.map(({ type }, index) => [
    `new ${index}`,
    subnets.length === 1
      ? 'a new canister'
      : `a new canister on ${subnetName(index)} (${typeInWords(type)})`,
  ]);
}

/** Where users' canisters belong: the first application subnet. */
function firstTarget(subnets: Subnets): string {
  const index = subnets.findIndex(({ type }) => type === 'application');
  return `new ${Math.max(0, index)}`;
}

function Steps({ step, startedMs }: { readonly step: DeployStep; readonly startedMs: number }) {
  const elapsedMs = useElapsed(startedMs);
  const current = STEPS.indexOf(step);
  return (
    <>
      <ol className="boot-stages small">
        {STEPS.map((name, index) => (
          <li
            key={name}
            aria-current={index === current ? 'step' : undefined}
            className={index < current ? 'boot-done' : index === current ? 'boot-now' : 'muted'}
          >
            <span aria-hidden="true">{index < current ? '✓' : index === current ? '▸' : '·'}</span>
            {STEP_WORDS[name]}
          </li>
        ))}
      </ol>
      <p className="small muted mono" aria-hidden="true">
        {(elapsedMs / 1000).toFixed(1)} s
      </p>
    </>
  );
}
