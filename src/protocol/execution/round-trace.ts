import type { TraceEvent } from '../interfaces/trace.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import type { CanisterId, Height } from '../types/ids.ts';
import { usedBytes } from './cycles-account-manager.ts';

/** What onlookers are told of a canister after a round in which it changed; undefined = it is gone. */
export function canisterChanged(
  height: Height,
  canisterId: CanisterId,
  canister: CanisterState | undefined,
): TraceEvent {
  return {
    kind: 'canisterChanged',
    height,
    canister: {
      canisterId,
      status: canister?.status ?? 'deleted',
      cycles: canister?.cycles ?? 0n,
      memoryBytes: canister === undefined ? 0 : Number(usedBytes(canister)),
      moduleHash: canister?.execution?.moduleHash ?? null,
      version: canister?.version ?? 0n,
    },
  };
}
