import type { Mutations } from '../../artifact-pool/change-action.ts';
import {
  handleInvalid,
  moveToValidated,
  NO_MUTATIONS,
  removeFromUnvalidated,
} from '../../artifact-pool/change-action.ts';
import { blockSignedBytes } from '../../types/signed-bytes.ts';
import type { RoleContext } from '../role-context.ts';

/**
 * Peers' proofs: two different blocks of one maker for one height, both signed by it.
 *
 * Liveness: the next rank need not wait for a maker that split the notaries. Security: nobody can
 * make one without the maker's two signatures, so an honest maker is never disqualified.
 * Upstream: rs/consensus/src/consensus/validator.rs#validate_equivocation_proofs.
 */
export function validateEquivocationProofs(context: RoleContext): Mutations {
  const { view, pool, crypto, genesis, membership } = context;
  const last = view.notarizedHeight() + 1;
  for (let height = view.finalizedHeight() + 1; height <= last; height += 1) {
    const makers = membership.blockMakers(height);
    for (const proof of pool.unvalidated.at('equivocationProof', height)) {
      if (view.equivocators(height).has(proof.signer)) {
        return [removeFromUnvalidated(proof)];
      }
      if (makers === undefined) {
        continue;
      }
      const { signer, hash1, signature1, hash2, signature2 } = proof;
      const signed = (hash: typeof hash1, signature: Uint8Array): boolean =>
        crypto.verifyBasic(signer, blockSignedBytes(hash, height, genesis.subnetId), signature);
      const proven =
        makers.includes(signer) &&
        hash1 !== hash2 &&
        signed(hash1, signature1) &&
        signed(hash2, signature2);
      return proven
        ? [moveToValidated(proof)]
        : [handleInvalid(proof, 'BAD_EQUIVOCATION_PROOF', 'the proof does not hold')];
    }
  }
  return NO_MUTATIONS;
}
