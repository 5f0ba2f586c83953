import type { ChangeAction } from '../artifact-pool/change-action.ts';
import { removeFromValidated } from '../artifact-pool/change-action.ts';
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

const BEACONS = ['randomBeacon', 'randomBeaconShare'] as const;
const TAPES = ['randomTape', 'randomTapeShare'] as const;
const TAPE_SHARES = ['randomTapeShare'] as const;
const CERTIFICATIONS = ['certification', 'certificationShare'] as const;
const PACKAGES = ['catchUpPackage', 'catchUpPackageShare'] as const;
const OWN_VOTES = ['notarizationShare', 'finalizationShare', 'equivocationProof'] as const;
const OWN_BEACON_SHARES = ['randomBeaconShare'] as const;
const OWN_PACKAGE_SHARES = ['catchUpPackageShare'] as const;
/** One package is enough: an older one would only lead a newcomer to a purged height. */
const REPLACED_BY_PACKAGE = ['catchUpPackage', 'certification', 'certificationShare'] as const;
/** Own shares that go once their aggregate is there. */
const SHARE_AND_AGGREGATE = [
  ['randomTapeShare', 'randomTape'],
  ['certificationShare', 'certification'],
] as const;

const NO_KINDS: readonly ArtifactKind[] = [];

/** The kinds of which the section holds something below the height. */
function kindsBelow(
  section: SectionReader,
  height: Height,
  kinds: readonly ArtifactKind[],
): readonly ArtifactKind[] {
  if (section.floor >= height) {
    return NO_KINDS;
  }
  let hit: ArtifactKind[] | null = null;
  for (const kind of kinds) {
    if ((section.minHeight(kind) ?? height) < height) {
      hit ??= [];
      hit.push(kind);
    }
  }
  return hit ?? NO_KINDS;
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
  below(view.beaconHeight() + 1, BEACONS);
  below(nextBatchHeight, TAPES);
  below(cup + 1, PACKAGES);
  below(Math.max(cup, context.state.latestCertifiedHeight() + 1), CERTIFICATIONS);
  below(firstWithoutTape(context), TAPE_SHARES);
}

/** Of the heights with peers' tape shares; behind one that lacks its tape the others wait. */
function firstWithoutTape({ pool }: RoleContext): Height {
  let height = pool.unvalidated.minHeight('randomTapeShare') ?? 0;
  while (pool.validated.entriesAt('randomTape', height).length > 0) {
    height += 1;
  }
  return height;
}

function purgeBelowCatchUpPackage(context: RoleContext, actions: ChangeAction[]): void {
  const { view, pool, minimumChainLength, replayFrom = Number.POSITIVE_INFINITY } = context;
  const cup = view.catchUpPackage().height;
  const below = (height: Height, kinds: readonly ArtifactKind[]): void => {
    const hit = kindsBelow(pool.validated, height, kinds);
    if (hit.length > 0) {
      actions.push({ kind: 'purgeValidatedBelow', height, kinds: hit });
    }
  };
  below(Math.min(cup - minimumChainLength, replayFrom), ARTIFACT_KINDS);
  below(cup, REPLACED_BY_PACKAGE);
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
  below(finalized + 1, OWN_VOTES);
  below(Math.min(finalized, view.beaconHeight()) + 1, OWN_BEACON_SHARES);
  below(view.catchUpPackage().height + 1, OWN_PACKAGE_SHARES);
  for (const [share, aggregate] of SHARE_AND_AGGREGATE) {
    if ((pool.validated.minHeight(share) ?? Number.POSITIVE_INFINITY) > finalized) {
      continue;
    }
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
