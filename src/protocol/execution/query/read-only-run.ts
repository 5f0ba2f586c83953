import { err, ok, type Result } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import type { RunRequest, SystemApiInput } from '../../interfaces/wasm-host.ts';
import type { CanisterState, ExecutionState } from '../../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, Instructions, PrincipalId } from '../../types/ids.ts';
import { canisterNotFound } from '../execute-message.ts';
import { ErrorCode, userError, wasmModuleNotFound, type UserError } from '../user-error.ts';

/** What all runs share that one node does for itself and that leave no trace in the state. */

export interface Target {
  readonly canister: CanisterState;
  readonly execution: ExecutionState;
}

/** A canister that is not stopped. @upstream rs/replicated_state/src/replicated_state.rs#get_active_canister */
export function activeCanister(
  state: ReplicatedState,
  canisterId: PrincipalId,
): Result<CanisterState, UserError> {
  const canister = state.canisters.get(canisterId);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId as CanisterId));
  }
  return canister.status === 'stopped'
    ? userError(
        ErrorCode.canisterStopped,
        `Canister ${principalToText(canisterId)} is stopped and therefore does not have a CallContextManager`,
      )
    : ok(canister);
}

/** A canister with its code. */
export function withModule(canister: CanisterState): Result<Target, UserError> {
  return canister.execution === null
    ? err(wasmModuleNotFound(canister.canisterId))
    : ok({ canister, execution: canister.execution });
}

/** A run of an export whose changes are dropped. */
export function readOnlyRun(
  { canister, execution }: Target,
  name: string,
  input: SystemApiInput,
  instructionLimit: Instructions,
): RunRequest {
  return {
    kind: 'run',
    canisterId: canister.canisterId,
    moduleHash: execution.moduleHash,
    base: { from: 'version', version: execution.memoryVersion },
    steps: [{ entry: name, input, optional: false }],
    instructionLimit,
    commitAs: null,
    // Other runs may still read older memories: only rounds say what may be forgotten.
    oldestVersionInUse: 0,
  };
}
