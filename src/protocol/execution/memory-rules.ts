import type { EntryContext, MemoryRules } from '../interfaces/wasm-host.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { idlingOf } from './cycles-account-manager.ts';
import type { RoundState } from './round-state.ts';

/** Callbacks may take memory that is kept for them: their canisters already began what they finish. */
const CALLBACKS: ReadonlySet<EntryContext> = new Set([
  'replyCallback',
  'rejectCallback',
  'cleanup',
]);

/** How far a message of this canister may let its memory grow now. */
export function memoryRules(
  round: RoundState,
  canister: CanisterState,
  context: EntryContext,
): MemoryRules {
  const { settings } = canister;
  const { limits } = round.env;
  const { memoryBytes, shares } = round.room();
  const share = (bytes: bigint): bigint => bytes / BigInt(shares);
  const capacityBytes = share(limits.subnetMemoryBytes - limits.callbackMemoryBytes);
  const kept = CALLBACKS.has(context) ? share(limits.callbackMemoryBytes) : 0n;
  return {
    ...idlingOf(round.env, canister),
    wasmMemoryLimitBytes: settings.wasmMemoryLimitBytes,
    reservedCyclesLimit: settings.reservedCyclesLimit,
    subnet: {
      capacityBytes,
      thresholdBytes: share(limits.subnetMemoryThresholdBytes),
      usedBytes: capacityBytes - (memoryBytes > 0n ? memoryBytes : 0n),
      freeBytes: memoryBytes + kept,
    },
  };
}
