import type { Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block, CatchUpContent } from '../types/artifacts.ts';
import { catchUpSignedBytes } from '../types/signed-bytes.ts';
import { shouldHalt } from './halting.ts';
import type { RoleContext } from './role-context.ts';

/**
 * Signs a share of the catch-up package for a finalized summary block, the newest first.
 *
 * Liveness: n − f nodes that reach the same state make the package; when too many of them lost the
 * checkpoint of a summary, a later one serves. Security: signed only when the finalized tip relies
 * on the certified state of the summary height or a later one, so that nobody below the package is
 * needed any more. Upstream: rs/consensus/src/consensus/catchup_package_maker.rs.
 */
export function makeCatchUpPackageShare(context: RoleContext): Mutations {
  for (const summary of summariesAbovePackage(context)) {
    const share = makeShare(context, summary);
    if (share.length > 0) {
      return share;
    }
  }
  return NO_MUTATIONS;
}

/** Finalized summary blocks above the package, the newest first. */
function summariesAbovePackage({ view, chain }: RoleContext): readonly Block[] {
  const summaries: Block[] = [];
  const packaged = view.catchUpPackage().height;
  let block: Block | undefined = chain.tip;
  while (block !== undefined && block.height > packaged) {
    if (block.payload.kind === 'summary') {
      summaries.push(block);
      block = chain.blockAt(block.height - 1);
    } else {
      block = chain.blockAt(block.payload.dkgStartHeight);
    }
  }
  return summaries;
}

function makeShare(context: RoleContext, block: Block): Mutations {
  const { view, pool, nodeId, crypto, chain, state } = context;
  const { height } = block;
  const beacon = view.beaconAt(height);
  if (beacon === undefined) {
    return NO_MUTATIONS;
  }
  // Empty blocks need no older state, and a halting subnet may stop before its tip relies on it.
  const isReliedOn = chain.tip.context.certifiedHeight >= height;
  if (!isReliedOn && shouldHalt(context, height) !== true) {
    return NO_MUTATIONS;
  }
  const stateHash = state.checkpointHashAt(height);
  const done = pool.validated
    .at('catchUpPackageShare', height)
    .some((share) => share.signer === nodeId);
  if (stateHash === undefined || done) {
    return NO_MUTATIONS;
  }
  const content: CatchUpContent = {
    height,
    blockHash: block.blockHash,
    beaconHash: beacon.hash,
    stateHash,
    oldestRegistryVersion: null,
  };
  const signature = crypto.at(height).signThreshold('high', catchUpSignedBytes(content));
  if (signature === undefined) {
    return NO_MUTATIONS;
  }
  return [
    addToValidated(
      sealArtifact<'catchUpPackageShare'>({
        kind: 'catchUpPackageShare',
        ...content,
        signer: nodeId,
        signature,
      }),
    ),
  ];
}
