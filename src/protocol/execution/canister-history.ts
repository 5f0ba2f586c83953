import { MAX_CANISTER_HISTORY } from '../limits/execution.ts';
import type {
  CanisterChange,
  CanisterState,
  ChangeDetails,
  ChangeOrigin,
} from '../replicated-state/canister-state.ts';
import type { PrincipalId, TimeNs } from '../types/ids.ts';

/** Adds an entry to the canister history; the newest 20 stay. */
export function withChange(
  canister: CanisterState,
  timeNs: TimeNs,
  origin: ChangeOrigin,
  details: ChangeDetails,
): CanisterState {
  const change: CanisterChange = { timeNs, canisterVersion: canister.version, origin, details };
  return {
    ...canister,
    totalChanges: canister.totalChanges + 1n,
    changes: [...canister.changes, change].slice(-MAX_CANISTER_HISTORY),
  };
}

export function principalOf(origin: ChangeOrigin): PrincipalId {
  return origin.kind === 'user' ? origin.userId : origin.canisterId;
}
