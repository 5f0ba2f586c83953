import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { BlockProposal } from '../types/artifacts.ts';
import type { Height } from '../types/ids.ts';
import { notarizationSignedBytes } from '../types/signed-bytes.ts';
import { notaryStop } from './bounds.ts';
import { shouldHalt } from './halting.ts';
import type { RoleContext } from './role-context.ts';
import { isDue } from './role-context.ts';
import { acceptableFromNs, notaryDelayNs } from './round-delays.ts';

const NOTHING: readonly BlockProposal[] = [];

/**
 * Signs a notarization share for the valid proposals of lowest rank of the round.
 *
 * Liveness: the delay by rank lets the best block win; when it does not come, higher ranks are
 * signed, so every round gets a notarized block. When the maker of a signed block turns out to have
 * equivocated, the next rank is signed as well: its blocks may have split the notaries. Security:
 * only ever the lowest rank that is not disqualified, never after the own finalization share at
 * that height. Upstream: rs/consensus/src/consensus/notary.rs.
 */
export function notarize(context: RoleContext): Mutations {
  const { view, pool, nodeId, membership } = context;
  const height = view.notarizedHeight() + 1;
  const candidates = lowestRanked(context, height);
  const rank = candidates[0]?.block.rank;
  if (rank === undefined) {
    return NO_MUTATIONS;
  }
  const unsigned = candidates.filter((proposal) => !hasSigned(context, proposal));
  const startNs = unsigned.length === 0 ? undefined : view.roundStartNs(height);
  if (startNs === undefined || notaryStop(context) !== null) {
    return NO_MUTATIONS;
  }
  const ownFinalization = pool.validated
    .at('finalizationShare', height)
    .some((share) => share.signer === nodeId);
  if (ownFinalization || membership.committee(height)?.includes(nodeId) !== true) {
    return NO_MUTATIONS;
  }
  const delayNs = notaryDelayNs(context.genesis.parameters, rank, {
    notarized: view.notarizedHeight(),
    finalized: view.finalizedHeight(),
    certified: context.state.latestCertifiedHeight(),
    isHalting: shouldHalt(context, view.notarizedHeight()) === true,
  });
  if (!isDue(context, startNs + delayNs)) {
    return NO_MUTATIONS;
  }
  return unsigned
    .filter((proposal) => isTimely(context, proposal))
    .map((proposal) => share(context, proposal));
}

/** The own block did not go through the validator, which holds others back until their time has come. */
function isTimely(context: RoleContext, { block, signer }: BlockProposal): boolean {
  if (signer !== context.nodeId) {
    return true;
  }
  const parent = context.view.block(block.height - 1, block.parent);
  return parent !== undefined && isDue(context, acceptableFromNs(block, parent, context.view));
}

function lowestRanked({ view, pool }: RoleContext, height: Height): readonly BlockProposal[] {
  const proposals = pool.validated.at('blockProposal', height);
  if (proposals.length === 0) {
    return NOTHING;
  }
  const equivocators = view.equivocators(height);
  if (proposals.length === 1 && equivocators.size === 0) {
    return proposals;
  }
  const eligible = proposals.filter((proposal) => !equivocators.has(proposal.signer));
  const lowest = eligible.reduce((rank, { block }) => Math.min(rank, block.rank), Infinity);
  return eligible.filter((proposal) => proposal.block.rank === lowest);
}

function hasSigned({ pool, nodeId }: RoleContext, proposal: BlockProposal): boolean {
  return pool.validated
    .at('notarizationShare', proposal.height)
    .some((own) => own.signer === nodeId && own.blockHash === proposal.block.blockHash);
}

function share({ nodeId, crypto }: RoleContext, { block }: BlockProposal): ChangeAction {
  const { height, blockHash } = block;
  return addToValidated(
    sealArtifact<'notarizationShare'>({
      kind: 'notarizationShare',
      height,
      blockHash,
      signer: nodeId,
      signature: crypto.signMulti(notarizationSignedBytes(height, blockHash)),
    }),
  );
}
