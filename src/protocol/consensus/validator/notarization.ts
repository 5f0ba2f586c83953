import type { ChangeAction, Mutations } from '../../artifact-pool/change-action.ts';
import {
  handleInvalid,
  moveToValidated,
  NO_MUTATIONS,
  removeFromUnvalidated,
} from '../../artifact-pool/change-action.ts';
import type { BlockProposal, Notarization } from '../../types/artifacts.ts';
import type { Height } from '../../types/ids.ts';
import type { RoleContext } from '../role-context.ts';
import { verifyProposalSignature } from './block-proposal.ts';
import { verifyQuorum } from './verify-quorum.ts';

/**
 * Peers' notarizations. For a block this node validated itself the multi-signature is all there is
 * to check. For a block it could not validate (yet) the fast path applies: a valid notarization on
 * a notarized parent proves that honest nodes checked the payload, so block and notarization are
 * taken over together.
 *
 * Liveness: a node that lacks a state or a clock for its own checks goes on with its peers.
 * Security: f + 1 honest members of the committee are among the signers; the parent is notarized.
 * Upstream: rs/consensus/src/consensus/validator.rs#validate_notarizations.
 */
export function validateNotarizations(context: RoleContext): Mutations {
  const { view } = context;
  const last = view.notarizedHeight() + 1;
  for (let height = view.finalizedHeight() + 1; height <= last; height += 1) {
    const actions = validateAt(context, height);
    if (actions.length > 0) {
      return actions;
    }
  }
  return NO_MUTATIONS;
}

function validateAt(context: RoleContext, height: Height): readonly ChangeAction[] {
  const { view, pool } = context;
  for (const notarization of pool.unvalidated.at('notarization', height)) {
    if (view.isNotarized(height, notarization.blockHash)) {
      return [removeFromUnvalidated(notarization)];
    }
    const actions =
      view.proposal(height, notarization.blockHash) === undefined
        ? fastPath(context, notarization)
        : afterVerdict(context, notarization, [moveToValidated(notarization)]);
    if (actions.length > 0) {
      return actions;
    }
  }
  return NO_MUTATIONS;
}

function afterVerdict(
  context: RoleContext,
  notarization: Notarization,
  accepted: readonly ChangeAction[],
): readonly ChangeAction[] {
  const verdict = verifyQuorum(context, notarization);
  switch (verdict.kind) {
    case 'valid':
      return accepted;
    case 'invalid':
      return [handleInvalid(notarization, verdict.code, verdict.message)];
    default:
      return NO_MUTATIONS;
  }
}

function fastPath(context: RoleContext, notarization: Notarization): readonly ChangeAction[] {
  const { view, pool } = context;
  const { height, blockHash } = notarization;
  const proposal = pool.unvalidated
    .at('blockProposal', height)
    .find((candidate: BlockProposal) => candidate.block.blockHash === blockHash);
  if (proposal === undefined || !view.isNotarized(height - 1, proposal.block.parent)) {
    return NO_MUTATIONS;
  }
  const verdict = verifyProposalSignature(context, proposal);
  if (verdict.kind !== 'valid') {
    return verdict.kind === 'invalid'
      ? [handleInvalid(proposal, verdict.code, verdict.message)]
      : NO_MUTATIONS;
  }
  return afterVerdict(context, notarization, [
    moveToValidated(proposal),
    moveToValidated(notarization),
  ]);
}
