import type { CanisterId, Cycles, PrincipalId } from '../types/ids.ts';
import { routeOf } from './routing.ts';
import type { RoundState } from './round-state.ts';

/**
 * Gives cycles of a message that is dropped back to the canister that attached them: at once if it is
 * here, else with the next stream to its subnet. Nobody left to take them: they are lost, and booked so.
 * @upstream rs/replicated_state/src/canister_state/queues/refunds.rs#RefundPool
 */
export function refundCycles(round: RoundState, recipient: PrincipalId, cycles: Cycles): void {
  if (cycles === 0n) {
    return;
  }
  if (round.find(recipient) !== undefined) {
    round.credit(recipient as CanisterId, cycles);
    return;
  }
  const subnetId = routeOf(round, recipient);
  if (subnetId === undefined || subnetId === round.env.subnetId) {
    round.consume(null, cycles, 'droppedMessages');
    return;
  }
  round.refunds.set(recipient, (round.refunds.get(recipient) ?? 0n) + cycles);
}
