import type { ArtifactOf } from '../../types/artifacts.ts';
import { finalizationSignedBytes, notarizationSignedBytes } from '../../types/signed-bytes.ts';
import type { RoleContext } from '../role-context.ts';

/** Outcome of checking an artifact on its own. */
export type Verdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly code: string; readonly message: string }
  /** Something it depends on is not known yet: tried again when the pool changes. */
  | { readonly kind: 'undecided' };

export const VALID: Verdict = { kind: 'valid' };
export const UNDECIDED: Verdict = { kind: 'undecided' };

export function invalid(code: string, message: string): Verdict {
  return { kind: 'invalid', code, message };
}

/**
 * Checks signers and multi-signature of a notarization or finalization: one verification.
 * Upstream: rs/consensus/src/consensus/validator.rs#verify_artifact.
 */
export function verifyQuorum(
  context: RoleContext,
  artifact: ArtifactOf<'notarization'> | ArtifactOf<'finalization'>,
): Verdict {
  const { membership, crypto } = context;
  const committee = membership.committee(artifact.height);
  if (committee === undefined) {
    return UNDECIDED;
  }
  const { height, blockHash, signers } = artifact;
  if (signers.some((signer) => !committee.includes(signer))) {
    return invalid('SIGNER_NOT_IN_COMMITTEE', 'a signer is not in the committee of this height');
  }
  const needed = membership.notaryThreshold(height);
  if (signers.length < needed) {
    return invalid('INSUFFICIENT_SIGNATURES', `${signers.length} signers, ${needed} needed`);
  }
  const message =
    artifact.kind === 'notarization'
      ? notarizationSignedBytes(height, blockHash)
      : finalizationSignedBytes(height, blockHash);
  return crypto.verifyMulti(message, signers, artifact.signature)
    ? VALID
    : invalid('BAD_MULTI_SIGNATURE', 'the multi-signature does not verify');
}
