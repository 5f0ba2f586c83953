import type { Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import { randomBeaconSignedBytes } from '../types/signed-bytes.ts';
import type { RoleContext } from './role-context.ts';

/**
 * Signs a share of the next random beacon once a block of the current beacon's height is notarized.
 *
 * Liveness: every honest node signs, f + 1 shares make the beacon. Security: nobody knows the
 * beacon of a height before a block of the height before it was notarized.
 * Upstream: rs/consensus/src/consensus/random_beacon_maker.rs.
 */
export function makeRandomBeaconShare(context: RoleContext): Mutations {
  const { view, pool, nodeId, crypto } = context;
  const beaconHeight = view.beaconHeight();
  const beacon = view.beaconAt(beaconHeight);
  if (beacon === undefined || view.notarizedHeight() < beaconHeight) {
    return NO_MUTATIONS;
  }
  const height = beaconHeight + 1;
  const own = pool.validated
    .at('randomBeaconShare', height)
    .some((share) => share.signer === nodeId && share.parent === beacon.hash);
  if (own) {
    return NO_MUTATIONS;
  }
  const signature = crypto
    .at(height)
    .signThreshold('low', randomBeaconSignedBytes(height, beacon.hash));
  if (signature === undefined) {
    return NO_MUTATIONS;
  }
  return [
    addToValidated(
      sealArtifact<'randomBeaconShare'>({
        kind: 'randomBeaconShare',
        height,
        parent: beacon.hash,
        signer: nodeId,
        signature,
      }),
    ),
  ];
}
