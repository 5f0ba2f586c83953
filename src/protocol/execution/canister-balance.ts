import { assert } from '../../base/assert.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { withConsumed, type CyclesUseCase } from '../replicated-state/consumed-cycles.ts';
import type { Cycles } from '../types/ids.ts';

/** What a canister costs while it does nothing. */
const PAID_FROM_RESERVE: ReadonlySet<CyclesUseCase> = new Set([
  'memory',
  'computeAllocation',
  'uninstall',
]);

/** A canister that paid, and how much of what was asked it paid now. */
interface Charged {
  readonly canister: CanisterState;
  readonly paid: Cycles;
}

/**
 * Takes cycles for a service; never below zero. Idle costs are paid from the reserved balance first.
 * While a long message is paused nothing is paid, only noted: its balance is what the message counts on.
 */
export function charged(canister: CanisterState, amount: Cycles, useCase: CyclesUseCase): Charged {
  const { longExecution } = canister;
  if (longExecution !== null) {
    const heldCharges = longExecution.heldCharges + amount;
    return {
      canister: { ...canister, longExecution: { ...longExecution, heldCharges } },
      paid: 0n,
    };
  }
  const reserved = PAID_FROM_RESERVE.has(useCase) ? canister.reservedCycles : 0n;
  const fromReserve = amount < reserved ? amount : reserved;
  const rest = amount - fromReserve;
  const fromBalance = rest < canister.cycles ? rest : canister.cycles;
  const paid = fromReserve + fromBalance;
  return {
    canister: {
      ...canister,
      cycles: canister.cycles - fromBalance,
      reservedCycles: canister.reservedCycles - fromReserve,
      consumed: withConsumed(canister.consumed, useCase, paid),
    },
    paid,
  };
}

/** Moves cycles from the balance to the reserved balance. */
export function setAside(canister: CanisterState, amount: Cycles): CanisterState {
  assert(amount <= canister.cycles, 'no more is set aside than is there');
  return {
    ...canister,
    cycles: canister.cycles - amount,
    reservedCycles: canister.reservedCycles + amount,
  };
}
