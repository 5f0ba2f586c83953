import { principalToText } from '../../crypto/principal.ts';
import { priorityOf } from '../../replicated-state/schedule.ts';
import type { CanisterId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import { ErrorCode, help, type UserError } from '../user-error.ts';
import { setPriority } from './round-schedule.ts';

/**
 * What a canister used up beyond its rate is a debit that shrinks every round; while it is too large
 * the canister must wait.
 * @upstream rs/execution_environment/src/scheduler.rs (heap_delta_debit, install_code_debit)
 */

/** Why the canister cannot be installed again yet, if it cannot. */
export function installRateError(round: RoundState, canisterId: CanisterId): UserError | undefined {
  if (priorityOf(round.schedule, canisterId).installCodeDebit === 0n) {
    return undefined;
  }
  const name = principalToText(canisterId);
  const advice = help('Retry the installation at a later time.', 'install-code-rate-limited');
  return {
    code: ErrorCode.canisterInstallCodeRateLimited,
    message: `Canister ${name} is rate limited because it executed too many instructions in the previous install_code messages. Please retry installation after several minutes.${advice}`,
  };
}

/** The debit and its limit, if the canister's memory cannot be changed by a management call yet. */
export function heapDeltaExcess(
  round: RoundState,
  canisterId: CanisterId,
): { readonly debit: number; readonly limit: number } | undefined {
  const limit = round.env.limits.heapDeltaBytesPerRound;
  const debit = priorityOf(round.schedule, canisterId).heapDeltaDebit;
  return limit === 0 || debit < limit ? undefined : { debit, limit };
}

export function heapDeltaRateError(
  round: RoundState,
  canisterId: CanisterId,
): UserError | undefined {
  const exceeded = heapDeltaExcess(round, canisterId);
  if (exceeded === undefined) {
    return undefined;
  }
  const name = principalToText(canisterId);
  const advice = help(
    'Try waiting a few seconds before retrying the operation.',
    'canister-heap-delta-rate-limited',
  );
  return {
    code: ErrorCode.canisterHeapDeltaRateLimited,
    message: `Canister ${name} is heap delta rate limited: current delta debit is ${exceeded.debit}, but limit is ${exceeded.limit}.${advice}`,
  };
}

/** Books memory that a canister changed, by a message or a management call. */
export function chargeHeapDelta(round: RoundState, canisterId: CanisterId, bytes: number): void {
  if (bytes === 0) {
    return;
  }
  const { heapDeltaBytes } = round.schedule;
  round.schedule = { ...round.schedule, heapDeltaBytes: heapDeltaBytes + bytes };
  if (round.env.limits.heapDeltaBytesPerRound > 0) {
    const { heapDeltaDebit } = priorityOf(round.schedule, canisterId);
    setPriority(round, canisterId, { heapDeltaDebit: heapDeltaDebit + bytes });
  }
}

/** Books instructions that an installation used. */
export function chargeInstallation(
  round: RoundState,
  canisterId: CanisterId,
  instructions: bigint,
): void {
  if (round.env.limits.installInstructionsPerRound > 0n && instructions > 0n) {
    const { installCodeDebit } = priorityOf(round.schedule, canisterId);
    setPriority(round, canisterId, { installCodeDebit: installCodeDebit + instructions });
  }
}

/** One round is over: everybody's debits shrink. */
export function shrinkDebits(round: RoundState): void {
  const { heapDeltaBytesPerRound, installInstructionsPerRound } = round.env.limits;
  for (const [canisterId, entry] of round.schedule.priorities.entries()) {
    const { heapDeltaDebit, installCodeDebit } = entry;
    if (heapDeltaDebit > 0 || installCodeDebit > 0n) {
      const left = installCodeDebit - installInstructionsPerRound;
      setPriority(round, canisterId as CanisterId, {
        heapDeltaDebit: Math.max(heapDeltaDebit - heapDeltaBytesPerRound, 0),
        installCodeDebit: left > 0n ? left : 0n,
      });
    }
  }
}

/**
 * Whether the subnet changed so much memory since the last checkpoint that canisters must wait. What
 * it may change comes free evenly until the next one.
 */
export function isHeapDeltaUsedUp(round: RoundState): boolean {
  const { heapDeltaBytesAtOnce, heapDeltaBytesPerCheckpoint } = round.env.limits;
  const { checkpointInterval } = round.env;
  const passed = (round.height - 1) % checkpointInterval;
  const allowed =
    heapDeltaBytesAtOnce +
    ((heapDeltaBytesPerCheckpoint - heapDeltaBytesAtOnce) * passed) / checkpointInterval;
  return round.schedule.heapDeltaBytes >= allowed;
}
