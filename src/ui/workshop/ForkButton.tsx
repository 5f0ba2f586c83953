import { useState } from 'react';
import { Principal } from '@icp-sdk/core/principal';
import { useServices } from '../services.tsx';
import { principalText } from '../store/format.ts';
import type { DeployedCanister } from '../store/workshop-store.ts';

type ForkInput = Parameters<ReturnType<typeof useServices>['network']['forkCanister']>[0];

/** Makes a canister of its own out of what this one holds now; the copy appears beside it. */
export function ForkButton({ canister }: { readonly canister: DeployedCanister }) {
  const { network, workshop } = useServices();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const fork = async (): Promise<void> => {
    const hex = Principal.fromText(canister.canisterId).toHex().toLowerCase();
    const forked = await network.forkCanister(hex as ForkInput);
    if (!forked.ok) {
      setProblem(forked.error.message);
      return;
    }
    const copy: DeployedCanister = {
      ...canister,
      canisterId: principalText(forked.value),
      name: `${canister.name} (fork)`,
      revision: 1,
    };
    workshop.setState(({ canisters }) => ({ canisters: [copy, ...canisters] }));
  };
  const click = (): void => {
    setBusy(true);
    setProblem(null);
    fork()
      .catch((reason: unknown) => setProblem(String(reason)))
      .finally(() => setBusy(false));
  };
  return (
    <div className="fork">
      <span role="status" className="small tone-error outcome-text">
        {problem}
      </span>
      <button
        type="button"
        className="button"
        title="A new canister with the same code, memories and certified data"
        disabled={busy}
        onClick={click}
      >
        {busy ? 'Forking' : 'Fork'}
      </button>
    </div>
  );
}
