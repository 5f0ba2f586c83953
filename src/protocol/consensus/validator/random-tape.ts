import type { Mutations } from '../../artifact-pool/change-action.ts';
import {
  handleInvalid,
  moveToValidated,
  NO_MUTATIONS,
  removeFromUnvalidated,
} from '../../artifact-pool/change-action.ts';
import { randomTapeSignedBytes } from '../../types/signed-bytes.ts';
import { wantedTapeHeights } from '../random-tape-maker.ts';
import type { RoleContext } from '../role-context.ts';

/**
 * Peers' tapes of the heights that are wanted now.
 *
 * Liveness: one peer that combined it is enough. Security: the signature of the low-threshold key on
 * a height is unique, so every node executes with the same randomness.
 * Upstream: rs/consensus/src/consensus/validator.rs#validate_tapes.
 */
export function validateRandomTapes(context: RoleContext): Mutations {
  const { pool, crypto } = context;
  for (const height of wantedTapeHeights(context)) {
    const keys = crypto.at(height);
    if (!keys.hasThresholdKeys) {
      continue;
    }
    const known = pool.validated.at('randomTape', height).length > 0;
    for (const tape of pool.unvalidated.at('randomTape', height)) {
      if (known) {
        return [removeFromUnvalidated(tape)];
      }
      return keys.verifyThreshold('low', randomTapeSignedBytes(height), tape.signature)
        ? [moveToValidated(tape)]
        : [handleInvalid(tape, 'BAD_THRESHOLD_SIGNATURE', 'the tape does not verify')];
    }
  }
  return NO_MUTATIONS;
}
