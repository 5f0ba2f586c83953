import { Mutating } from '../components/ReadOnly.tsx';
import { useCallback, useRef } from 'react';
import { useStore } from 'zustand';
import type { Diagnostic } from '../../wire/compiler.ts';
import { ProgramEditor } from '../editor/ProgramEditor.tsx';
import { useServices } from '../services.tsx';
import { openProgram } from '../store/workshop-store.ts';
import { CanisterPanel } from './CanisterPanel.tsx';
import { createWorkshopClient, type WorkshopClient } from './client.ts';
import { DeployPanel } from './DeployPanel.tsx';

/** The Build door: program on the left, deployment and canisters on the right. */
export function Workshop() {
  const { network, workshop } = useServices();
  const { canisters, diagnostics } = useStore(workshop);
  const made = useRef<Promise<WorkshopClient> | null>(null);
  const client = useCallback(() => (made.current ??= createWorkshopClient(network)), [network]);
  return (
    <main className="build" id="main">
      <section className="build-code" aria-labelledby="program-title">
        <div className="build-head">
          <h2 id="program-title">
            main.mo <span className="muted small">Motoko</span>
          </h2>
          <ProgramChoice />
          <span className="muted small">compiled in this tab, nothing is sent anywhere</span>
        </div>
        <ProgramEditor />
        <Findings diagnostics={diagnostics} />
      </section>
      <div className="build-side">
        <Mutating>
          <DeployPanel client={client} />
        </Mutating>
        {canisters.length === 0 ? (
          <section className="card">
            <h2>No canister yet</h2>
            <p className="muted">
              Deploy the counter: it is compiled here, then the subnet agrees to create and install
              it. Its methods appear as forms.
            </p>
          </section>
        ) : (
          canisters.map((canister) => (
            <CanisterPanel
              key={`${canister.canisterId} ${canister.revision}`}
              canister={canister}
              client={client}
            />
          ))
        )}
      </div>
    </main>
  );
}

function ProgramChoice() {
  const { workshop } = useServices();
  const { program, programs } = useStore(workshop);
  return (
    <select
      className="input build-program"
      aria-label="Program"
      value={program}
      onChange={(event) => openProgram(workshop, event.currentTarget.value)}
    >
      {Object.keys(programs).map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function Findings({ diagnostics }: { readonly diagnostics: readonly Diagnostic[] }) {
  return diagnostics.length === 0 ? null : (
    <ul className="findings small" aria-label="Findings of the compiler">
      {diagnostics.map((finding) => (
        <li key={`${finding.startLine}:${finding.startColumn}:${finding.code}:${finding.message}`}>
          <span className={finding.severity === 'error' ? 'tone-error' : 'tone-warning'}>
            {finding.severity === 'error' ? '×' : '!'} {finding.severity} {finding.code}
          </span>{' '}
          <span className="muted">line {finding.startLine}</span> {finding.message}
        </li>
      ))}
    </ul>
  );
}
