import { unreachable } from '../../base/assert.ts';
import { LOOK_AHEAD_HEIGHTS, NOTARIZATION_CUP_GAP } from '../limits/consensus.ts';
import type { ArtifactId } from '../types/artifacts.ts';
import type { Height } from '../types/ids.ts';

/** Whether an advertised artifact is fetched now, perhaps later, or never. */
export type BouncerVerdict = 'wants' | 'maybeLater' | 'unwanted';

export interface BouncerHeights {
  readonly beacon: Height;
  readonly notarized: Height;
  readonly finalized: Height;
  readonly certified: Height;
  readonly catchUpPackage: Height;
  /** Summary height that follows the catch-up package. */
  readonly nextCatchUpPackage: Height;
  readonly expectedBatch: Height;
  /** Height of the newest final summary block. */
  readonly dkgStart: Height;
}

function window(height: Height, unwantedTo: Height, wantedTo: Height): BouncerVerdict {
  if (height <= unwantedTo) {
    return 'unwanted';
  }
  return height <= wantedTo ? 'wants' : 'maybeLater';
}

/**
 * The P2P layer's question about an id, answered from heights alone.
 * Upstream: rs/consensus/src/consensus/bouncer.rs, rs/consensus/certification/src/certifier.rs.
 */
export function bouncer(id: ArtifactId, at: BouncerHeights): BouncerVerdict {
  const { kind, height } = id;
  if (kind === 'catchUpPackage') {
    return height <= at.catchUpPackage ? 'unwanted' : 'wants';
  }
  if (kind === 'certification' || kind === 'certificationShare') {
    // An executed state waits at most one interval; what lies beyond it cannot be used yet.
    return window(
      height,
      Math.max(at.catchUpPackage, at.certified),
      at.nextCatchUpPackage + NOTARIZATION_CUP_GAP,
    );
  }
  if (kind === 'dkgDealing' || kind === 'dkgComplaint') {
    // Named by the summary that lists the run; only the runs of the newest one are open.
    return window(height, at.dkgStart - 1, at.dkgStart);
  }
  if (height < Math.min(at.expectedBatch, at.catchUpPackage)) {
    return 'unwanted';
  }
  if (height > at.nextCatchUpPackage + NOTARIZATION_CUP_GAP) {
    return 'maybeLater';
  }
  switch (kind) {
    case 'randomBeacon':
    case 'randomBeaconShare':
      return window(height, at.beacon, at.beacon + LOOK_AHEAD_HEIGHTS);
    case 'notarizationShare':
      return window(height, at.notarized, at.notarized + LOOK_AHEAD_HEIGHTS);
    case 'blockProposal':
    case 'notarization':
    case 'finalization':
    case 'finalizationShare':
    case 'equivocationProof':
      return window(height, at.finalized, at.notarized + LOOK_AHEAD_HEIGHTS);
    case 'randomTape':
    case 'randomTapeShare':
      return window(height, at.expectedBatch - 1, at.finalized + LOOK_AHEAD_HEIGHTS);
    case 'catchUpPackageShare':
      return window(height, at.catchUpPackage, at.finalized);
    default:
      return unreachable(kind);
  }
}
