import type { ChangeAction } from '../artifact-pool/change-action.ts';
import { removeFromUnvalidated, removeFromValidated } from '../artifact-pool/change-action.ts';
import { ARTIFACT_KINDS } from '../types/artifacts.ts';
import type { ArtifactKind } from '../types/artifacts.ts';
import type { Height } from '../types/ids.ts';
import type { SectionReader } from '../artifact-pool/pool-section.ts';
import type { Role, RoleContext } from './role-context.ts';

/**
 * Removes what nobody needs any more. Only heights that really hold something are named, so that
 * an idle purger returns nothing. Upstream: rs/consensus/src/consensus/purger.rs.
 */
export function createPurger(): Role {
  // Losers can only be left when the finalized tip moves: each height is looked at once.
  let losersPurgedTo: Height = 0;
  return (context) => {
    const actions: ChangeAction[] = [];
    purgeUnvalidated(context, actions);
    purgeBelowCatchUpPackage(context, actions);
    purgeDecidedShares(context, actions);
    purgeLosers(context, losersPurgedTo + 1, actions);
    losersPurgedTo = context.chain.tip.height;
    return actions;
  };
}

/** Useless below the finalized height: the round is decided and its chain complete. */
const DECIDED_BY_FINALIZATION = [
  'blockProposal',
  'notarization',
  'notarizationShare',
  'finalization',
  'finalizationShare',
  'equivocationProof',
] as const satisfies readonly ArtifactKind[];

const NO_KINDS: readonly ArtifactKind[] = [];

/** The kinds of which the section holds something below the height. */
function kindsBelow(
  section: SectionReader,
  height: Height,
  kinds: readonly ArtifactKind[],
): readonly ArtifactKind[] {
  const isBelow = (kind: ArtifactKind): boolean => (section.minHeight(kind) ?? height) < height;
  return kinds.some(isBelow) ? kinds.filter(isBelow) : NO_KINDS;
}

function purgeUnvalidated(context: RoleContext, actions: ChangeAction[]): void {
  const { view, pool, nextBatchHeight } = context;
  const below = (height: Height, kinds: readonly ArtifactKind[]): void => {
    const hit = kindsBelow(pool.unvalidated, height, kinds);
    if (hit.length > 0) {
      actions.push({ kind: 'purgeUnvalidatedBelow', height, kinds: hit });
    }
  };
  const cup = view.catchUpPackage().height;
  below(view.finalizedHeight() + 1, DECIDED_BY_FINALIZATION);
  below(view.beaconHeight() + 1, ['randomBeacon', 'randomBeaconShare']);
  below(nextBatchHeight, ['randomTape', 'randomTapeShare']);
  below(cup + 1, ['catchUpPackage', 'catchUpPackageShare']);
  below(Math.max(cup, context.state.latestCertifiedHeight() + 1), [
    'certification',
    'certificationShare',
  ]);
  for (const height of pool.unvalidated.heights('randomTapeShare')) {
    if (pool.validated.at('randomTape', height).length > 0) {
      actions.push(...pool.unvalidated.at('randomTapeShare', height).map(removeFromUnvalidated));
    }
  }
}

function purgeBelowCatchUpPackage(context: RoleContext, actions: ChangeAction[]): void {
  const { view, pool, minimumChainLength } = context;
  const cup = view.catchUpPackage().height;
  const below = (height: Height, kinds: readonly ArtifactKind[]): void => {
    const hit = kindsBelow(pool.validated, height, kinds);
    if (hit.length > 0) {
      actions.push({ kind: 'purgeValidatedBelow', height, kinds: hit });
    }
  };
  below(cup - minimumChainLength, ARTIFACT_KINDS);
  // One package is enough: an older one would only lead a newcomer to a purged height.
  below(cup, ['catchUpPackage', 'certification', 'certificationShare']);
}

/** Own shares whose aggregate exists, and proofs of decided rounds. */
function purgeDecidedShares(context: RoleContext, actions: ChangeAction[]): void {
  const { view, pool } = context;
  const finalized = view.finalizedHeight();
  const below = (height: Height, kinds: readonly ArtifactKind[]): void => {
    const hit = kindsBelow(pool.validated, height, kinds);
    if (hit.length > 0) {
      actions.push({ kind: 'purgeValidatedBelow', height, kinds: hit });
    }
  };
  below(finalized + 1, ['notarizationShare', 'finalizationShare', 'equivocationProof']);
  below(Math.min(finalized, view.beaconHeight()) + 1, ['randomBeaconShare']);
  below(view.catchUpPackage().height + 1, ['catchUpPackageShare']);
  for (const [share, aggregate] of [
    ['randomTapeShare', 'randomTape'],
    ['certificationShare', 'certification'],
  ] as const) {
    for (const height of pool.validated.heights(share)) {
      if (height <= finalized && pool.validated.at(aggregate, height).length > 0) {
        actions.push(...pool.validated.at(share, height).map(removeFromValidated));
      }
    }
  }
}

/** Proposals and notarizations at finalized heights that are not of the finalized block. */
function purgeLosers(context: RoleContext, from: Height, actions: ChangeAction[]): void {
  const { pool, chain } = context;
  for (let height = from; height <= chain.tip.height; height += 1) {
    const winner = chain.blockAt(height)?.blockHash;
    if (winner === undefined) {
      continue;
    }
    const losers = [
      ...pool.validated.at('blockProposal', height).filter((p) => p.block.blockHash !== winner),
      ...pool.validated.at('notarization', height).filter((n) => n.blockHash !== winner),
    ];
    actions.push(...losers.map(removeFromValidated));
  }
}
