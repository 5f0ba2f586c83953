import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import type { RoleContext } from '../consensus/role-context.ts';
import { dealingOf } from '../dkg/chain-dealings.ts';
import { configOf } from '../dkg/dealing-rules.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { SignedDkgComplaint, SignedDkgDealing } from '../types/artifacts.ts';
import { dkgComplaintSignedBytes } from '../types/signed-bytes.ts';
import type { Attack } from './attack.ts';

/** Bytes of one encrypted piece; a `feldman` dealing ends with one for each receiver. */
const PIECE_BYTES = 32;

/** The complaint this node would have if every piece of the dealing were damaged. */
function slander(context: RoleContext, dealing: SignedDkgDealing): SignedDkgComplaint | undefined {
  const { crypto, genesis, nodeId, registry, dkg, chain } = context;
  const summary = dkg.dealingsIn(chain.tip)?.summary;
  const config = summary && configOf(summary, dealing.tag);
  if (config?.receivers.includes(nodeId) !== true) {
    return undefined;
  }
  const damaged = dealing.content.slice();
  for (
    let i = Math.max(0, damaged.length - PIECE_BYTES * config.receivers.length);
    i < damaged.length;
    i += 1
  ) {
    damaged[i] = (damaged[i] ?? 0) ^ 1;
  }
  const opening = crypto.dkg.openShare(config, registry.nodes, {
    ...dealingOf(dealing),
    content: damaged,
  });
  if (opening.kind === 'good') {
    return undefined;
  }
  const { height, tag, signer: dealer } = dealing;
  const complaint = { height, tag, dealer, content: opening.complaint };
  const signature = crypto.signBasic(dkgComplaintSignedBytes(complaint, genesis.subnetId));
  return sealArtifact<'dkgComplaint'>({
    kind: 'dkgComplaint',
    ...complaint,
    signer: nodeId,
    signature,
  });
}

/**
 * Complains about every dealing that stands in a block, though nobody cheated it. Defence: everybody
 * checks the proof of a complaint, so an honest dealing stays in and a block with the lie is invalid.
 */
export function falseComplaint(): Attack {
  return {
    produce(context) {
      const { pool, nodeId, dkg, chain } = context;
      const facts = dkg.dealingsIn(chain.tip);
      for (const dealing of facts?.dealings.values() ?? []) {
        const done = pool.validated
          .at('dkgComplaint', dealing.height)
          .some(
            (known) =>
              known.signer === nodeId &&
              known.tag === dealing.tag &&
              known.dealer === dealing.signer,
          );
        const lie = done || dealing.signer === nodeId ? undefined : slander(context, dealing);
        if (lie !== undefined) {
          return [addToValidated(lie)];
        }
      }
      return NO_MUTATIONS;
    },
  };
}
