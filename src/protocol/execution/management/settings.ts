import { bytesToHex } from '../../../base/hex.ts';
import { ok, type Result } from '../../../base/result.ts';
import { hashOfMap } from '../../crypto/representation-hash.ts';
import type {
  CanisterSettings,
  CanisterState,
  ChangeOrigin,
} from '../../replicated-state/canister-state.ts';
import type { Cycles, HashHex } from '../../types/ids.ts';
import { checkAllocations } from '../allocations.ts';
import { withChange } from '../canister-history.ts';
import { withLowMemoryHook } from '../low-memory-hook.ts';
import type { RoundState } from '../round-state.ts';
import type { UserError } from '../user-error.ts';
import type { SettingsChange } from './settings-arguments.ts';

/** Settings of canisters: what may be asked for, and what a change leaves behind. */

/** A canister with other settings, and what must be set aside for the memory they reserve. */
interface Changed {
  readonly canister: CanisterState;
  readonly reservation: Cycles;
}

/** The canister with other settings, checked against what the subnet and the canister can afford. */
export function withSettings(
  round: RoundState,
  canister: CanisterState,
  change: SettingsChange,
): Result<Changed, UserError> {
  const reservation = checkAllocations(round, canister, change.settings);
  if (!reservation.ok) {
    return reservation;
  }
  const after = withLowMemoryHook({
    ...canister,
    controllers: change.controllers ?? canister.controllers,
    settings: { ...canister.settings, ...change.settings },
  });
  return ok({ canister: after, reservation: reservation.value });
}

/** Applies `update_settings`: one step of the version, and an entry for new controllers. */
export function updateSettings(
  round: RoundState,
  canister: CanisterState,
  change: SettingsChange,
  origin: ChangeOrigin,
): UserError | undefined {
  const changed = withSettings(round, canister, change);
  if (!changed.ok) {
    return changed.error;
  }
  const after = { ...changed.value.canister, version: canister.version + 1n };
  round.put(
    change.controllers === undefined
      ? after
      : withChange(after, round.timeNs, origin, {
          kind: 'controllersChange',
          controllers: change.controllers,
        }),
  );
  round.reserve(canister.canisterId, changed.value.reservation);
  return undefined;
}

/** The hash that the history keeps of variables named at creation; null when none were named. */
export function environmentHash(
  variables: CanisterSettings['environmentVariables'] | undefined,
): HashHex | null {
  return variables === undefined
    ? null
    : (bytesToHex(hashOfMap(Object.fromEntries(variables))) as HashHex);
}
