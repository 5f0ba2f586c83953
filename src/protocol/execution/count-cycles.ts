import type { CyclesFacts } from '../interfaces/trace.ts';
import { isRequest, type SubnetMessage } from '../replicated-state/canister-messages.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { CANISTER_SUMMARY } from './canister-summary.ts';

/**
 * Counts all cycles of a subnet. Whatever happened, `held + inFlight + consumed = created`: cycles are
 * moved and consumed, never made and never lost.
 */
export function countCycles(state: ReplicatedState): CyclesFacts {
  const { cycles, cyclesInFlight } = state.canisters.summary(CANISTER_SUMMARY);
  const waiting: readonly SubnetMessage[] = [...state.subnetQueue, ...state.randomRequests];
  const inQueues = waiting.reduce(
    (sum, message) => sum + (isRequest(message) ? message.cycles : 0n),
    0n,
  );
  const { createdCycles, consumedCycles } = state.metrics;
  return {
    created: createdCycles,
    held: cycles,
    inFlight: cyclesInFlight + inQueues,
    consumed: consumedCycles,
  };
}
