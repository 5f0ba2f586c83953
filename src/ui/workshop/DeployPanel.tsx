import { useRef, useState } from 'react';
import { useStore } from 'zustand';
import { useElapsed } from '../components/Boot.tsx';
import { Icon } from '../components/icons.tsx';
import { useServices } from '../services.tsx';
import { formatMs } from '../store/format.ts';
import type { DeployStep } from '../store/workshop-store.ts';
import type { WorkshopClient } from './client.ts';
import { type Deployment, type DeployTarget, startDeployment } from './deploy.ts';

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
  const { workshop, compile } = useServices();
  const { progress, error, canisters, lastTimings } = useStore(workshop);
  const [choice, setChoice] = useState('new');
  const running = useRef<Deployment | null>(null);
  const deploy = (): void => {
    running.current = startDeployment(workshop, compile, client, targetOf(choice));
  };
  const compiling =
    progress !== null && progress.step !== 'createCanister' && progress.step !== 'installCode';
  return (
    <section className="card deploy" aria-labelledby="deploy-title">
      <h2 id="deploy-title">Deploy</h2>
      <div className="row">
        {canisters.length === 0 ? null : (
          <select
            className="input"
            aria-label="Deploy to"
            value={choice}
            onChange={(event) => setChoice(event.currentTarget.value)}
          >
            <option value="new">a new canister</option>
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
          disabled={progress !== null}
          onClick={deploy}
        >
          Compile and deploy
        </button>
        {compiling ? (
          <button type="button" className="button" onClick={() => running.current?.cancel()}>
            Cancel
          </button>
        ) : null}
      </div>
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

const SHORT_STEPS: Readonly<Record<DeployStep, string>> = {
  loadCompiler: 'compiler',
  loadLibrary: 'library',
  compile: 'compile',
  createCanister: 'create',
  installCode: 'install',
};

function targetOf(choice: string): DeployTarget {
  const [mode, canisterId] = choice.split(' ');
  return canisterId !== undefined && (mode === 'upgrade' || mode === 'reinstall')
    ? { mode, canisterId }
    : { mode: 'install', canisterId: null };
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
