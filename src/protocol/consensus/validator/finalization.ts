import type { Mutations } from '../../artifact-pool/change-action.ts';
import { handleInvalid, moveToValidated, NO_MUTATIONS } from '../../artifact-pool/change-action.ts';
import type { RoleContext } from '../role-context.ts';
import { verifyQuorum } from './verify-quorum.ts';

/**
 * Peers' finalizations of notarized blocks, highest first: it finalizes all ancestors, and lower
 * ones are then purged unseen.
 *
 * Liveness: one finalization, however late, settles everything below it. Security: 2f + 1 members
 * of the height's committee signed, f of them at most against the rules, so no other block of that
 * height can get a quorum. Upstream: rs/consensus/src/consensus/validator.rs#validate_finalizations.
 */
export function validateFinalizations(context: RoleContext): Mutations {
  const { view, pool } = context;
  const finalized = view.finalizedHeight();
  for (let height = view.notarizedHeight(); height > finalized; height -= 1) {
    for (const finalization of pool.unvalidated.at('finalization', height)) {
      if (!view.isNotarized(height, finalization.blockHash)) {
        continue;
      }
      const verdict = verifyQuorum(context, finalization);
      if (verdict.kind === 'valid') {
        return [moveToValidated(finalization)];
      }
      if (verdict.kind === 'invalid') {
        return [handleInvalid(finalization, verdict.code, verdict.message)];
      }
    }
  }
  return NO_MUTATIONS;
}
