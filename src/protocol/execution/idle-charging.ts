import { CHARGE_INTERVAL_NS } from '../limits/execution.ts';
import { NS_PER_SECOND } from '../limits/messaging.ts';
import type { CanisterId, Cycles } from '../types/ids.ts';
import { idlingOf } from './cycles-account-manager.ts';
import { uninstallBankrupt } from './management/stop-canister.ts';
import type { RoundState } from './round-state.ts';
import { burnPerDay, SECONDS_PER_DAY } from './storage-price.ts';

/**
 * Storage, messages and compute allocation, every ten seconds of batch time. A canister that cannot
 * pay loses its code, its history and its rights to memory and compute; what is left of its balance
 * is burned.
 * @upstream rs/execution_environment/src/scheduler.rs#charge_canisters_for_resource_allocation_and_usage
 */
export function chargeIdleCanisters(round: RoundState): void {
  const due = round.select((sum) => sum.chargedUntilNs + CHARGE_INTERVAL_NS <= round.timeNs);
  for (const canisterId of due) {
    // Its balance is what a long message counts on; it pays when that has ended.
    const isFree = round.canister(canisterId).longExecution === null;
    if (isFree && !chargeIdle(round, canisterId)) {
      uninstallBankrupt(round, canisterId);
    }
  }
}

/** @returns false when the balance does not suffice; then nothing is taken */
function chargeIdle(round: RoundState, canisterId: CanisterId): boolean {
  const canister = round.canister(canisterId);
  const seconds = (round.timeNs - canister.chargedUntilNs) / NS_PER_SECOND;
  const perDay = burnPerDay(idlingOf(round.env, canister));
  const due = (rate: Cycles): Cycles => (rate * seconds) / SECONDS_PER_DAY;
  const memory = due(perDay.memory) + due(perDay.messages);
  const compute = due(perDay.compute);
  round.put({ ...canister, chargedUntilNs: round.timeNs });
  if (memory + compute > canister.cycles + canister.reservedCycles) {
    return false;
  }
  round.charge(canisterId, memory, 'memory');
  if (compute > 0n) {
    round.charge(canisterId, compute, 'computeAllocation');
  }
  return true;
}
