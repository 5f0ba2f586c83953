import { nextSummaryHeight } from '../dkg/summary.ts';
import type { RoleContext } from './role-context.ts';

/** Why a notary must not sign at present; null when it may. */
export type NotaryStop = 'certificationGap' | 'catchUpGap' | null;

/**
 * Hard limits on how far agreement may run ahead of execution and of catch-up packages: without
 * them a subnet whose states are not certified would fill memory and could never be rejoined.
 * Upstream: rs/consensus/src/consensus/notary.rs#get_notary_parameters, bounds in rs/limits.
 */
export function notaryStop(context: RoleContext): NotaryStop {
  const { view, state, bounds } = context;
  const notarized = view.notarizedHeight();
  if (notarized - state.latestCertifiedHeight() >= bounds.certificationGap) {
    return 'certificationGap';
  }
  const { payload } = view.catchUpPackage().block;
  if (
    payload.kind === 'summary' &&
    notarized - nextSummaryHeight(payload.summary) >= bounds.catchUpGap
  ) {
    return 'catchUpGap';
  }
  return null;
}
