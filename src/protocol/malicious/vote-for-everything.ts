import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated } from '../artifact-pool/change-action.ts';
import type { RoleContext } from '../consensus/role-context.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { HashHex, Height } from '../types/ids.ts';
import { finalizationSignedBytes, notarizationSignedBytes } from '../types/signed-bytes.ts';

type Vote = 'notarizationShare' | 'finalizationShare';

/** Heights above the finalized one that are voted on; a long notarized chain is not searched again and again. */
const HEIGHTS = 4;

/** Every block of the height that any artifact at hand names, checked or not. */
function knownBlocks({ pool }: RoleContext, height: Height): ReadonlySet<HashHex> {
  const blocks = new Set<HashHex>();
  for (const section of [pool.validated, pool.unvalidated]) {
    for (const { block } of section.at('blockProposal', height)) {
      blocks.add(block.blockHash);
    }
    for (const { blockHash } of section.at('notarization', height)) {
      blocks.add(blockHash);
    }
  }
  return blocks;
}

/** A share of this node for every block it has heard of and not voted for yet. */
export function voteForEverything(context: RoleContext, kind: Vote): Mutations {
  const { view, pool, nodeId, crypto, membership } = context;
  const signedBytes =
    kind === 'notarizationShare' ? notarizationSignedBytes : finalizationSignedBytes;
  const votes: ChangeAction[] = [];
  const last = view.notarizedHeight() + 1;
  for (
    let height = Math.max(view.finalizedHeight() + 1, last - HEIGHTS);
    height <= last;
    height += 1
  ) {
    if (membership.committee(height)?.includes(nodeId) !== true) {
      continue;
    }
    const own = pool.validated.at(kind, height).filter((share) => share.signer === nodeId);
    for (const blockHash of knownBlocks(context, height)) {
      if (!own.some((share) => share.blockHash === blockHash)) {
        const signature = crypto.signMulti(signedBytes(height, blockHash));
        votes.push(
          addToValidated(sealArtifact({ kind, height, blockHash, signer: nodeId, signature })),
        );
      }
    }
  }
  return votes;
}
