import type { Mutations } from '../../artifact-pool/change-action.ts';
import { handleInvalid, moveToValidated, NO_MUTATIONS } from '../../artifact-pool/change-action.ts';
import { randomBeaconSignedBytes } from '../../types/signed-bytes.ts';
import type { RoleContext } from '../role-context.ts';

/**
 * Peers' beacons for the next height. A beacon is unique: the first valid one ends the search.
 *
 * Liveness: one peer that combined it is enough. Security: it continues the known chain of beacons
 * and carries the only signature that the low-threshold key has for it.
 * Upstream: rs/consensus/src/consensus/validator.rs#validate_beacons.
 */
export function validateRandomBeacons(context: RoleContext): Mutations {
  const { view, pool, crypto } = context;
  const parent = view.beaconAt(view.beaconHeight());
  if (parent === undefined) {
    return NO_MUTATIONS;
  }
  const height = parent.height + 1;
  const keys = crypto.at(height);
  if (!keys.hasThresholdKeys) {
    return NO_MUTATIONS;
  }
  for (const beacon of pool.unvalidated.at('randomBeacon', height)) {
    if (beacon.parent !== parent.hash) {
      return [handleInvalid(beacon, 'WRONG_PARENT', 'not on top of the known beacon')];
    }
    const message = randomBeaconSignedBytes(height, parent.hash);
    return keys.verifyThreshold('low', message, beacon.signature)
      ? [moveToValidated(beacon)]
      : [handleInvalid(beacon, 'BAD_THRESHOLD_SIGNATURE', 'the beacon does not verify')];
  }
  return NO_MUTATIONS;
}
