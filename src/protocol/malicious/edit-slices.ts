import { makeBlock } from '../consensus/block-maker.ts';
import type { RoleContext } from '../consensus/role-context.ts';
import type { XNetSlice } from '../interfaces/replica.ts';
import type { BlockProposal } from '../types/artifacts.ts';
import { decodeSlice, encodeSlice, type CertifiedSlice } from '../xnet/slice-codec.ts';
import type { Attack } from './attack.ts';
import { editProposals, proposalOf } from './own-block.ts';

function withSlices(
  context: RoleContext,
  proposal: BlockProposal,
  edit: (slices: readonly XNetSlice[]) => readonly XNetSlice[],
): BlockProposal {
  const { block } = proposal;
  const { payload } = block;
  if (payload.kind === 'summary') {
    return proposal;
  }
  const { xnet = [], ...rest } = payload.batch;
  const slices = edit(xnet);
  if (slices === xnet || (slices.length === 0 && xnet.length === 0)) {
    return proposal;
  }
  const batch = slices.length === 0 ? rest : { ...rest, xnet: slices };
  return proposalOf(context, { ...block, payload: { ...payload, batch } });
}

/** Other slices of other subnets' streams in own blocks than an honest maker would put there. */
export function editBlockSlices(
  edit: (slices: readonly XNetSlice[]) => readonly XNetSlice[],
): Pick<Attack, 'roles'> {
  return {
    roles: new Map([
      [
        makeBlock,
        (context, honest) =>
          editProposals(honest(context), (proposal) => [withSlices(context, proposal, edit)]),
      ],
    ]),
  };
}

/** Every slice of own blocks and every one that is served, changed in the same way. */
export function editEverySlice(edit: (slice: CertifiedSlice) => CertifiedSlice): Attack {
  return {
    ...editBlockSlices((slices) =>
      slices.map(({ from, slice }) => {
        const decoded = decodeSlice(slice);
        return { from, slice: decoded.ok ? encodeSlice(edit(decoded.value)) : slice };
      }),
    ),
    serve: (slice) => (slice === 'nothing' || slice === 'silence' ? slice : edit(slice)),
  };
}
