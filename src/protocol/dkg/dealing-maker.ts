import type { Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { doKeysWait, type RoleContext } from '../consensus/role-context.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import { dkgDealingSignedBytes } from '../types/signed-bytes.ts';
import { dealingDueHeight, dealingWindow } from './dealing-rules.ts';

/**
 * Deals in the runs of the current interval that name this node as a dealer: one dealing a call,
 * each when its turn in the interval has come.
 *
 * Liveness: all honest dealers deal in the first half of the window. Security: one dealing for a
 * run; it is stored before it leaves, so that a restarted node does not deal again.
 * Upstream: rs/consensus/dkg/src/lib.rs#create_dealings.
 */
export function makeDealing(context: RoleContext): Mutations {
  const { intervals, chain, pool, nodeId, crypto, registry, genesis } = context;
  const begin = intervals.newest();
  if (begin?.payload.kind !== 'summary' || doKeysWait(context)) {
    return NO_MUTATIONS;
  }
  const { summary } = begin.payload;
  const progress = chain.tip.height - summary.height;
  if (progress < 0 || progress >= dealingWindow(summary.intervalLength)) {
    return NO_MUTATIONS;
  }
  const own = pool.validated
    .at('dkgDealing', summary.height)
    .filter((dealing) => dealing.signer === nodeId);
  for (const config of summary.configs) {
    const { tag } = config.id;
    const isDue =
      !own.some((dealing) => dealing.tag === tag) &&
      config.dealers.includes(nodeId) &&
      chain.tip.height >= dealingDueHeight(summary, tag, nodeId);
    const content = isDue ? crypto.dkg.deal(config, registry.nodes) : undefined;
    if (content !== undefined) {
      const dealing = { height: summary.height, tag, content };
      const signature = crypto.signBasic(dkgDealingSignedBytes(dealing, genesis.subnetId));
      return [
        addToValidated(
          sealArtifact<'dkgDealing'>({ kind: 'dkgDealing', ...dealing, signer: nodeId, signature }),
        ),
      ];
    }
  }
  return NO_MUTATIONS;
}
