import { useState } from 'react';
import type { DidInterface, DidMethod } from '../candid/did-types.ts';
import { showSignature } from '../candid/did-types.ts';
import { emptyForm, type FormNode, readForm } from '../candid/form-model.ts';
import type { CallOutcome, WorkshopClient } from './client.ts';
import { Outcome } from './Outcome.tsx';
import { ValueInput } from './ValueInput.tsx';

interface MethodCardProps {
  readonly canisterId: string;
  readonly did: DidInterface;
  readonly method: DidMethod;
  readonly client: () => Promise<WorkshopClient>;
}

/** One method: its signature, a field for each argument, and the last answer with its proof. */
export function MethodCard({ canisterId, did, method, client }: MethodCardProps) {
  const [nodes, setNodes] = useState<readonly FormNode[]>(() =>
    method.args.map((argument) => emptyForm(argument.type, did.types)),
  );
  const [problem, setProblem] = useState<string | null>(null);
  const [outcome, setOutcome] = useState<CallOutcome | null>(null);
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    const args: unknown[] = [];
    for (const [index, argument] of method.args.entries()) {
      const name = argument.name ?? `argument ${index + 1}`;
      const value = readForm(nodes[index] ?? { kind: 'fixed' }, argument.type, did.types, name);
      if (!value.ok) {
        setProblem(`${value.error.path} ${value.error.message}.`);
        return;
      }
      args.push(value.value);
    }
    setProblem(null);
    setOutcome(null);
    setBusy(true);
    setOutcome(await (await client()).call(canisterId, did, method, args));
    setBusy(false);
  };
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    run().catch((reason: unknown) => {
      setBusy(false);
      setProblem(String(reason));
    });
  };
  return (
    <form className="method" onSubmit={submit} data-testid={`method-${method.name}`}>
      <div className="method-head">
        <h3 className="mono">{method.name}</h3>
        <span className="muted small mono">{showSignature(method)}</span>
      </div>
      {method.args.map((argument, index) => (
        <ValueInput
          key={index}
          label={argument.name ?? `argument ${index + 1}`}
          type={argument.type}
          types={did.types}
          node={nodes[index] ?? { kind: 'fixed' }}
          onChange={(node) => setNodes(nodes.with(index, node))}
        />
      ))}
      <div className="row">
        <button type="submit" className="button" disabled={busy}>
          {busy ? 'Waiting for the answer' : method.mode === 'update' ? 'Call' : 'Query'}
        </button>
      </div>
      <div role="status">
        {problem === null ? null : <p className="tone-error small">{problem}</p>}
        {outcome === null ? null : <Outcome outcome={outcome} did={did} method={method} />}
      </div>
    </form>
  );
}
