import type { ChangeAction, Mutations } from '../../artifact-pool/change-action.ts';
import {
  addToValidated,
  handleInvalid,
  moveToValidated,
  NO_MUTATIONS,
} from '../../artifact-pool/change-action.ts';
import { sealArtifact } from '../../types/artifact-codec.ts';
import type { BlockProposal } from '../../types/artifacts.ts';
import type { Height } from '../../types/ids.ts';
import { blockSignedBytes } from '../../types/signed-bytes.ts';
import type { RoleContext } from '../role-context.ts';
import { isDue } from '../role-context.ts';
import { rankDelayNs } from '../round-delays.ts';
import { validateBlockContext, validateBlockPayload } from './block.ts';
import { invalid, UNDECIDED, VALID, type Verdict } from './verify-quorum.ts';

/**
 * Peers' block proposals of undecided heights.
 *
 * Liveness: a proposal of rank r is looked at from start + unit · r on, unless a better one is
 * valid already. Security: signature, rank, parent, context and payload are all checked before the
 * block can get this node's notarization share; a second block of a maker becomes an equivocation
 * proof that disqualifies its rank. Upstream: rs/consensus/src/consensus/validator.rs.
 */
export function validateBlockProposals(context: RoleContext): Mutations {
  const { view } = context;
  const last = view.notarizedHeight() + 1;
  for (let height = view.finalizedHeight() + 1; height <= last; height += 1) {
    const proposals = [...context.pool.unvalidated.at('blockProposal', height)].sort(
      (a, b) => a.block.rank - b.block.rank,
    );
    for (const proposal of proposals) {
      const actions = validateProposal(context, proposal);
      if (actions.length > 0) {
        return actions;
      }
    }
  }
  return NO_MUTATIONS;
}

/** Whether the signer is the maker of the block's rank. Undecided while the makers are unknown. */
function checkMaker({ membership }: RoleContext, { block, signer }: BlockProposal): Verdict {
  const makers = membership.blockMakers(block.height);
  if (makers === undefined) {
    return UNDECIDED;
  }
  return makers[block.rank] === signer
    ? VALID
    : invalid('WRONG_RANK', `the signer is not the maker of rank ${block.rank}`);
}

/** Maker, rank and Ed25519 signature. Undecided while the makers of the height are unknown. */
export function verifyProposalSignature(context: RoleContext, proposal: BlockProposal): Verdict {
  const { crypto, genesis } = context;
  const { block, signer, signature } = proposal;
  const made = checkMaker(context, proposal);
  if (made.kind !== 'valid') {
    return made;
  }
  const message = blockSignedBytes(block.blockHash, block.height, genesis.subnetId);
  return crypto.verifyBasic(signer, message, signature)
    ? VALID
    : invalid('BAD_BLOCK_SIGNATURE', "the maker's signature does not verify");
}

function validateProposal(context: RoleContext, proposal: BlockProposal): readonly ChangeAction[] {
  const { view } = context;
  const { block, signer, height } = proposal;
  if (view.equivocators(height).has(signer)) {
    return NO_MUTATIONS;
  }
  const other = equivocatedWith(context, proposal);
  if (other !== undefined) {
    return afterAll(proposal, [() => verifyProposalSignature(context, proposal)], () =>
      proveEquivocation(proposal, other),
    );
  }
  const checks = [
    () => checkMaker(context, proposal),
    () => checkTurn(context, proposal),
    () => validateBlockContext(context, block),
    () => verifyProposalSignature(context, proposal),
    () => validateBlockPayload(context, block),
  ];
  return afterAll(proposal, checks, () => moveToValidated(proposal));
}

/** Runs the checks in order; the first that is not passed decides. */
function afterAll(
  proposal: BlockProposal,
  checks: readonly (() => Verdict)[],
  accepted: () => ChangeAction,
): readonly ChangeAction[] {
  for (const check of checks) {
    const verdict = check();
    if (verdict.kind === 'invalid') {
      return [handleInvalid(proposal, verdict.code, verdict.message)];
    }
    if (verdict.kind === 'undecided') {
      return NO_MUTATIONS;
    }
  }
  return [accepted()];
}

/** Whether the time of the rank has come and no better block makes this one pointless. */
function checkTurn(context: RoleContext, { block }: BlockProposal): Verdict {
  const startNs = context.view.roundStartNs(block.height);
  if (startNs === undefined || hasBetter(context, block.height, block.rank)) {
    return UNDECIDED;
  }
  const { parameters } = context.genesis;
  return isDue(context, startNs + rankDelayNs(parameters, block.rank)) ? VALID : UNDECIDED;
}

/** A valid proposal of a lower rank, whose maker is not disqualified, makes this one pointless. */
function hasBetter({ view, pool }: RoleContext, height: Height, rank: number): boolean {
  const equivocators = view.equivocators(height);
  return pool.validated
    .at('blockProposal', height)
    .some((known) => known.block.rank < rank && !equivocators.has(known.signer));
}

/** A validated proposal of another block by the same maker at the same height. */
function equivocatedWith(
  { pool }: RoleContext,
  proposal: BlockProposal,
): BlockProposal | undefined {
  return pool.validated
    .at('blockProposal', proposal.height)
    .find(
      (known) =>
        known.signer === proposal.signer && known.block.blockHash !== proposal.block.blockHash,
    );
}

function proveEquivocation(a: BlockProposal, b: BlockProposal): ChangeAction {
  const [first, second] = a.block.blockHash < b.block.blockHash ? [a, b] : [b, a];
  return addToValidated(
    sealArtifact<'equivocationProof'>({
      kind: 'equivocationProof',
      height: a.height,
      signer: a.signer,
      hash1: first.block.blockHash,
      signature1: first.signature,
      hash2: second.block.blockHash,
      signature2: second.signature,
    }),
  );
}
