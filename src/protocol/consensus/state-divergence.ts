import { divergedHeight } from '../certification/certifier.ts';
import type { StateReader } from '../interfaces/replica.ts';
import type { HashHex, Height } from '../types/ids.ts';
import type { RoleContext } from './role-context.ts';

/** Proof that this node's state is not the subnet's. */
export interface StateDivergence {
  /** Lowest height known to be wrong. */
  readonly height: Height;
  readonly own: HashHex;
  readonly subnet: HashHex;
  readonly evidence: 'catchUpPackage' | 'certification';
}

/**
 * Compares own states with what the subnet signed: the hash of the own checkpoint with that of the
 * catch-up package, own roots with certifications this node validated before (it replays blocks
 * after a restart). Null when nothing contradicts.
 *
 * Security: a certification of a peer is no evidence, because its signature covers the root and
 * not the height, so that a liar could present a later root as that of an executed height.
 * Upstream: rs/consensus/src/consensus/catchup_package_maker.rs#report_state_divergence_if_required.
 */
export function findDivergence(
  context: Pick<RoleContext, 'view' | 'pool' | 'state'>,
): StateDivergence | null {
  const { height, stateHash } = context.view.catchUpPackage();
  const own = height === 0 ? undefined : context.state.checkpointHashAt(height);
  if (own !== undefined && own !== stateHash) {
    return { height, own, subnet: stateHash, evidence: 'catchUpPackage' };
  }
  const replayed = divergedHeight(context);
  return replayed === undefined
    ? null
    : {
        height: replayed.height,
        own: replayed.own,
        subnet: replayed.certified,
        evidence: 'certification',
      };
}

/** Whether the host still has the state that was proved wrong; newer packages don't make it right. */
export function persists({ height, own, evidence }: StateDivergence, state: StateReader): boolean {
  const now =
    evidence === 'catchUpPackage' ? state.checkpointHashAt(height) : state.stateRootAt(height);
  return now === own;
}

/** The state as if nothing from the diverged height on had been executed: no role may sign or judge by it. */
export function stateBelow(state: StateReader, diverged: Height): StateReader {
  const cut = <T>(read: (height: Height) => T | undefined) => {
    return (height: Height): T | undefined => (height < diverged ? read(height) : undefined);
  };
  return {
    latestStateHeight: () => Math.min(state.latestStateHeight(), diverged - 1),
    latestCertifiedHeight: () => Math.min(state.latestCertifiedHeight(), diverged - 1),
    stateRootAt: cut((height) => state.stateRootAt(height)),
    checkpointHashAt: cut((height) => state.checkpointHashAt(height)),
  };
}
