import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated } from '../artifact-pool/change-action.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { HashHex, Height } from '../types/ids.ts';
import { finalizationSignedBytes } from '../types/signed-bytes.ts';
import type { RoleContext } from './role-context.ts';

/**
 * Signs a finalization share for a height at which it saw exactly one notarized block and supports
 * no other.
 *
 * Liveness: in a round with one notarized block every honest committee member signs. Security: a
 * node that signed for a block never notarizes another one at that height; 2f + 1 such nodes leave
 * too few for a second notarization, so the block and its ancestors are final.
 * Upstream: rs/consensus/src/consensus/finalizer.rs.
 */
export function finalize(context: RoleContext): Mutations {
  const { view, nodeId, crypto } = context;
  const shares: ChangeAction[] = [];
  const notarized = view.notarizedHeight();
  for (let height = view.finalizedHeight() + 1; height <= notarized; height += 1) {
    const blockHash = blockToFinalize(context, height);
    if (blockHash !== undefined) {
      shares.push(
        addToValidated(
          sealArtifact<'finalizationShare'>({
            kind: 'finalizationShare',
            height,
            blockHash,
            signer: nodeId,
            signature: crypto.signMulti(finalizationSignedBytes(height, blockHash)),
          }),
        ),
      );
    }
  }
  return shares;
}

function blockToFinalize(context: RoleContext, height: Height): HashHex | undefined {
  const { view, pool, nodeId, membership } = context;
  if (membership.committee(height)?.includes(nodeId) !== true) {
    return undefined;
  }
  const [only, second] = view.notarizedBlocks(height);
  if (only === undefined || second !== undefined) {
    return undefined;
  }
  const { blockHash } = only;
  const done = pool.validated
    .at('finalizationShare', height)
    .some((share) => share.signer === nodeId);
  const supportsOther = pool.validated
    .at('notarizationShare', height)
    .some((share) => share.signer === nodeId && share.blockHash !== blockHash);
  return done || supportsOther ? undefined : blockHash;
}
