import type { Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { buildDkgPayload } from '../dkg/payload.ts';
import { nextSummaryHeight } from '../dkg/summary.ts';
import type { ValidationContext } from '../interfaces/replica.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block, BlockPayload } from '../types/artifacts.ts';
import { NO_DKG, sealBlock } from '../types/block-codec.ts';
import type { Height, Rank } from '../types/ids.ts';
import { blockSignedBytes } from '../types/signed-bytes.ts';
import { subnetStatus } from './halting.ts';
import { pastPayloads, summaryOf } from './past-payloads.ts';
import type { RoleContext } from './role-context.ts';
import { isDue } from './role-context.ts';
import { blockMakerDelayNs, rankDelayNs } from './round-delays.ts';

/**
 * Proposes a block on the best notarized parent when it is this node's turn.
 *
 * Liveness: rank 0 proposes at once, each higher rank one unit delay later and only while no valid
 * block of a lower rank is known, so some block of an honest maker comes up in every round.
 * Security: one proposal per maker and height; two would prove equivocation.
 * Upstream: rs/consensus/src/consensus/block_maker.rs.
 */
export function makeBlock(context: RoleContext): Mutations {
  const { view, pool, nodeId, membership } = context;
  const parent = bestParent(context);
  if (parent === undefined) {
    return NO_MUTATIONS;
  }
  const height = parent.height + 1;
  const rank = membership.blockMakers(height)?.indexOf(nodeId) ?? -1;
  const startNs = view.roundStartNs(height);
  if (rank < 0 || startNs === undefined) {
    return NO_MUTATIONS;
  }
  const proposals = pool.validated.at('blockProposal', height);
  if (proposals.some((proposal) => proposal.signer === nodeId)) {
    return NO_MUTATIONS;
  }
  const equivocators = view.equivocators(height);
  const betterKnown = proposals.some(
    (proposal) => proposal.block.rank < rank && !equivocators.has(proposal.signer),
  );
  if (betterKnown) {
    return NO_MUTATIONS;
  }
  const { parameters } = context.genesis;
  const isTurn =
    isDue(context, startNs + rankDelayNs(parameters, rank)) &&
    isDue(context, startNs + blockMakerDelayNs(parameters, rank, parent, view));
  if (!isTurn) {
    return NO_MUTATIONS;
  }
  return propose(context, parent, rank);
}

/** The notarized block of lowest rank at the notarized height; ties by hash. */
function bestParent({ view }: RoleContext): Block | undefined {
  let best: Block | undefined;
  for (const block of view.notarizedBlocks(view.notarizedHeight())) {
    const better =
      best === undefined ||
      block.rank < best.rank ||
      (block.rank === best.rank && block.blockHash < best.blockHash);
    best = better ? block : best;
  }
  return best;
}

function propose(context: RoleContext, parent: Block, rank: Rank): Mutations {
  const { nodeId, crypto, genesis } = context;
  const height = parent.height + 1;
  const blockContext = nextContext(context, parent);
  const payload = blockContext && nextPayload(context, parent, height, blockContext);
  if (blockContext === undefined || payload === undefined) {
    return NO_MUTATIONS;
  }
  const block = sealBlock({
    height,
    parent: parent.blockHash,
    rank,
    context: blockContext,
    payload,
  });
  const signature = crypto.signBasic(blockSignedBytes(block.blockHash, height, genesis.subnetId));
  return [
    addToValidated(
      sealArtifact<'blockProposal'>({
        kind: 'blockProposal',
        height,
        block,
        signer: nodeId,
        signature,
      }),
    ),
  ];
}

/** Undefined while this node's certified state is older than what the parent already relies on. */
function nextContext(context: RoleContext, parent: Block): ValidationContext | undefined {
  const certifiedHeight = context.state.latestCertifiedHeight();
  if (certifiedHeight < parent.context.certifiedHeight || certifiedHeight > parent.height) {
    return undefined;
  }
  const { initialNotaryDelayMs, unitDelayMs } = context.genesis.parameters;
  const stable = context.registry.stableVersion(context.nowNs, unitDelayMs);
  const earliestNs = parent.context.timeNs + BigInt(initialNotaryDelayMs) * NS_PER_MS + 1n;
  return {
    certifiedHeight,
    registryVersion: Math.max(stable, parent.context.registryVersion),
    timeNs: context.nowNs > earliestNs ? context.nowNs : earliestNs,
  };
}

function nextPayload(
  context: RoleContext,
  parent: Block,
  height: Height,
  blockContext: ValidationContext,
): BlockPayload | undefined {
  const status = subnetStatus(context, height);
  const summary = summaryOf(context.view, parent);
  if (summary === undefined || status === undefined || status === 'halted') {
    return undefined;
  }
  if (nextSummaryHeight(summary) === height) {
    const next = context.dkg.summaryAfter(parent, blockContext.registryVersion);
    return next && { kind: 'summary', summary: next.summary };
  }
  const dealings = context.dkg.dealingsIn(parent);
  if (dealings === undefined) {
    return undefined;
  }
  if (status === 'halting') {
    return { kind: 'data', dkgStartHeight: summary.height, dkg: NO_DKG, batch: { ingress: [] } };
  }
  const past = pastPayloads(context.view, parent, blockContext.certifiedHeight);
  if (past === undefined) {
    return undefined;
  }
  const batch = context.payloadBuilder.build(blockContext, past);
  const dkg = buildDkgPayload(context, dealings, height);
  return { kind: 'data', dkgStartHeight: summary.height, dkg, batch };
}
