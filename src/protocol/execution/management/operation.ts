import { err, ok, type Result } from '../../../base/result.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import type { CanisterState, ChangeOrigin } from '../../replicated-state/canister-state.ts';
import type { CanisterId, Cycles, Instructions, PrincipalId } from '../../types/ids.ts';
import { settleMemoryGrowth } from '../allocations.ts';
import { checkAffordable, executionFee } from '../cycles-account-manager.ts';
import type { RoundState } from '../round-state.ts';
import type { UserError } from '../user-error.ts';
import { snapshotOutOfCycles, targetNotFound } from './errors.ts';

/** What the methods that change a canister have in common: who did it, what it costs, whether it fits. */

export type Reply = Result<Uint8Array, UserError>;

/** Who makes a change, for the canister history. */
export function originOf(message: SubnetMessage, senderVersion: bigint | undefined): ChangeOrigin {
  return isRequest(message)
    ? {
        kind: 'canister',
        canisterId: message.sender,
        canisterVersion: senderVersion ?? null,
      }
    : { kind: 'user', userId: message.sender };
}

export function findCanister(
  round: RoundState,
  canisterId: CanisterId,
): Result<CanisterState, UserError> {
  const canister = round.canisters.get(canisterId);
  return canister === undefined ? err(targetNotFound(canisterId)) : ok(canister);
}

/** What a management call is charged besides its bytes: nothing where the system's canisters are. */
export function fixedInstructions(round: RoundState, instructions: Instructions): Instructions {
  return round.env.subnetType === 'system' ? 0n : instructions;
}

/**
 * Takes the fee of an operation from the canister that is managed, and its instructions from the
 * round. Nothing is taken when the canister would freeze.
 */
export function payInstructions(
  round: RoundState,
  canisterId: CanisterId,
  sender: PrincipalId,
  instructions: Instructions,
): UserError | undefined {
  const canister = round.canister(canisterId);
  const cost = executionFee(round.env, instructions, false);
  const reveal = canister.controllers.includes(sender);
  const broke = checkAffordable(round.env, canister, cost, reveal);
  if (broke === undefined) {
    round.charge(canisterId, cost, 'instructions');
    round.instructionsUsed += instructions;
  }
  return broke;
}

export interface Operation {
  readonly before: CanisterState;
  /** What the canister will be, with the same balance as before. */
  readonly after: CanisterState;
  readonly sender: PrincipalId;
  readonly instructions: Instructions;
  readonly memory64?: boolean;
}

/**
 * Checks that a canister can afford to become larger (or smaller), then puts it in place and charges
 * it. A failure changes nothing.
 * @upstream rs/execution_environment/src/canister_manager.rs#cycles_and_memory_usage_checks
 */
export function putGrown(
  round: RoundState,
  operation: Operation,
): Result<CanisterState, UserError> {
  const { before, after, instructions } = operation;
  const { canisterId } = before;
  const books = round.books();
  round.put(after);
  const grown = settleMemoryGrowth(round, before);
  const broke = grown.ok ? unaffordable(round, operation) : grown.error;
  if (broke !== undefined) {
    round.put(before);
    round.restoreBooks(books);
    return err(broke);
  }
  round.charge(canisterId, operationFee(round, operation), 'instructions');
  round.instructionsUsed += instructions;
  return ok(round.canister(canisterId));
}

function operationFee(round: RoundState, { instructions, memory64 }: Operation): Cycles {
  return instructions === 0n ? 0n : executionFee(round.env, instructions, memory64 ?? false);
}

function unaffordable(round: RoundState, operation: Operation): UserError | undefined {
  const { before, sender } = operation;
  const canister = round.canister(before.canisterId);
  const reveal = before.controllers.includes(sender);
  const broke = checkAffordable(round.env, canister, operationFee(round, operation), reveal);
  return broke === undefined ? undefined : snapshotOutOfCycles(broke);
}
