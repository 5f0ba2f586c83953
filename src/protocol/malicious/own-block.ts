import type { Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated } from '../artifact-pool/change-action.ts';
import type { RoleContext } from '../consensus/role-context.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block, BlockProposal } from '../types/artifacts.ts';
import { sealBlock } from '../types/block-codec.ts';
import { blockSignedBytes } from '../types/signed-bytes.ts';

/** The changed block as a proposal that this node really signed. */
export function proposalOf(context: RoleContext, changed: Block): BlockProposal {
  const { nodeId, crypto, genesis } = context;
  const block = sealBlock(changed);
  const { height, blockHash } = block;
  const signature = crypto.signBasic(blockSignedBytes(blockHash, height, genesis.subnetId));
  return sealArtifact<'blockProposal'>({
    kind: 'blockProposal',
    height,
    block,
    signer: nodeId,
    signature,
  });
}

/** Every proposal that the mutations add, as the proposals that shall be added instead. */
export function editProposals(
  mutations: Mutations,
  edit: (proposal: BlockProposal) => readonly BlockProposal[],
): Mutations {
  return mutations.flatMap((action) =>
    action.kind === 'addToValidated' && action.artifact.kind === 'blockProposal'
      ? edit(action.artifact).map(addToValidated)
      : [action],
  );
}
