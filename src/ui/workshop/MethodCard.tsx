import { useStore } from 'zustand';
import type { DidMethod } from '../candid/did-types.ts';
import { showSignature } from '../candid/did-types.ts';
import { emptyArguments, readArguments } from '../candid/form-model.ts';
import { useServices } from '../services.tsx';
import { type DeployedCanister, methodKey, type MethodState } from '../store/workshop-store.ts';
import { ArgumentFields } from './ArgumentFields.tsx';
import type { WorkshopClient } from './client.ts';
import { Outcome } from './Outcome.tsx';

interface MethodCardProps {
  readonly canister: DeployedCanister;
  readonly method: DidMethod;
  readonly client: () => Promise<WorkshopClient>;
}

/** One method: its signature, a field for each argument, and the last answer with its proof. */
export function MethodCard({ canister, method, client }: MethodCardProps) {
  const { workshop } = useServices();
  const { canisterId, did } = canister;
  const key = methodKey(canister, method.name);
  const kept = useStore(workshop, (state) => state.methods[key]);
  const state: MethodState = kept ?? {
    nodes: emptyArguments(method.args, did.types),
    problem: null,
    outcome: null,
    busy: false,
  };
  const change = (edit: Partial<MethodState>): void =>
    workshop.setState(({ methods }) => ({
      methods: { ...methods, [key]: { ...(methods[key] ?? state), ...edit } },
    }));
  const run = async (): Promise<void> => {
    const args = readArguments(state.nodes, method.args, did.types);
    if (!args.ok) {
      change({ problem: `${args.error.path} ${args.error.message}.` });
      return;
    }
    change({ problem: null, outcome: null, busy: true });
    const outcome = await (await client()).call(canisterId, did, method, args.value);
    change({ outcome, busy: false });
  };
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    run().catch((reason: unknown) => change({ busy: false, problem: String(reason) }));
  };
  const { nodes, problem, outcome, busy } = state;
  return (
    <form className="method" onSubmit={submit} data-testid={`method-${method.name}`}>
      <div className="method-head">
        <h3 className="mono">{method.name}</h3>
        <span className="muted small mono">{showSignature(method)}</span>
      </div>
      <ArgumentFields
        args={method.args}
        types={did.types}
        nodes={nodes}
        onChange={(next) => change({ nodes: next })}
      />
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
