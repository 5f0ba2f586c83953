import { assert } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { CanisterId, Cycles, Instructions, PrincipalId } from '../types/ids.ts';
import { checkAffordable, executionFee, executionRefund } from './cycles-account-manager.ts';
import type { RoundState } from './round-state.ts';
import type { UserError } from './user-error.ts';

/**
 * Execution is paid before it begins, for all instructions it may use; what it did not use comes
 * back at its end. @upstream rs/cycles_account_manager#prepay_execution_cycles
 */

/** Taken from the balance and not spent yet. */
export interface PrepaidExecution {
  readonly cycles: Cycles;
  readonly instructionLimit: Instructions;
  readonly memory64: boolean;
}

export function prepaymentFor(
  round: RoundState,
  instructionLimit: Instructions,
  memory64: boolean,
): PrepaidExecution {
  return {
    cycles: executionFee(round.env, instructionLimit, memory64),
    instructionLimit,
    memory64,
  };
}

/**
 * Takes the price of a message from the balance. Errs with 207 when the canister is frozen or would be.
 * @param caller a controller is told how many cycles are missing
 */
export function prepayExecution(
  round: RoundState,
  canisterId: CanisterId,
  prepaid: PrepaidExecution,
  caller: PrincipalId | null,
): Result<PrepaidExecution, UserError> {
  const canister = round.canister(canisterId);
  const reveals = caller !== null && canister.controllers.includes(caller);
  const { isEarlier } = round.prepayment;
  // A message that goes on, or begins anew, was found affordable when it began.
  const isAffordable = isEarlier && canister.cycles >= prepaid.cycles;
  const broke = isAffordable
    ? undefined
    : checkAffordable(round.env, canister, prepaid.cycles, reveals);
  if (broke !== undefined) {
    return err(broke);
  }
  round.prepayment = { cycles: prepaid.cycles, isEarlier };
  round.put({ ...canister, cycles: canister.cycles - prepaid.cycles });
  return ok(prepaid);
}

/** Gives back what was paid for instructions that were not used; the rest is consumed. */
export function settleExecution(
  round: RoundState,
  canisterId: CanisterId,
  prepaid: PrepaidExecution,
  used: Instructions,
): void {
  assert(used <= prepaid.instructionLimit, 'a run ends at its instruction limit');
  const unused = executionRefund(round.env, prepaid.instructionLimit - used, prepaid.memory64);
  const refund = unused < prepaid.cycles ? unused : prepaid.cycles;
  round.credit(canisterId, refund);
  round.consume(canisterId, prepaid.cycles - refund, 'instructions');
}
