import type { Artifact } from '../types/artifacts.ts';
import type { RoleContext } from './role-context.ts';

type Facts = Pick<RoleContext, 'pool' | 'view' | 'membership' | 'crypto'>;

/**
 * Whether an artifact that just came in can make a role act. Nothing looks at a peer's share but the
 * aggregation, and that only once there may be enough of them.
 *
 * Liveness: the share that completes a threshold always matters, and so does whatever else a round
 * waits for; what is passed over is looked at with the next artifact that matters.
 */
export function matters(artifact: Artifact, facts: Facts): boolean {
  const { pool, view, membership, crypto } = facts;
  const { kind, height } = artifact;
  const isEnough = (threshold: number): boolean =>
    pool.validated.countAt(kind, height) + pool.unvalidated.countAt(kind, height) >= threshold;
  switch (kind) {
    case 'randomBeaconShare':
      return height === view.beaconHeight() + 1 && isEnough(crypto.at(height).thresholdOf('low'));
    case 'randomTapeShare':
      return (
        pool.validated.countAt('randomTape', height) === 0 &&
        isEnough(crypto.at(height).thresholdOf('low'))
      );
    case 'certificationShare':
      return (
        pool.validated.countAt('certification', height) === 0 &&
        isEnough(crypto.at(height).thresholdOf('high'))
      );
    case 'notarizationShare':
      return height === view.notarizedHeight() + 1 && isEnough(membership.notaryThreshold(height));
    case 'finalizationShare':
      return height > view.finalizedHeight() && isEnough(membership.notaryThreshold(height));
    default:
      return true;
  }
}
