import { nextSummaryHeight } from '../dkg/summary.ts';
import type { RoleContext } from './role-context.ts';

/** Why a notary must not sign at present; null when it may. */
export type NotaryStop = 'certificationGap' | 'catchUpGap' | null;

/**
 * Hard limits on how far agreement may run ahead of execution and of catch-up packages: without
 * them a subnet whose states are not certified would fill memory and could never be rejoined.
 *
 * Liveness: they only bind when n − f nodes can't certify or package, and lift when they can again.
 * Security: what a node must hold, and a newcomer must replay, is bounded.
 * Upstream: rs/consensus/src/consensus/notary.rs#get_adjusted_notary_delay.
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
