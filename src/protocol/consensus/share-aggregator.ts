import { compareText } from '../../base/bytes.ts';
import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { CatchUpContent, CatchUpPackageShare } from '../types/artifacts.ts';
import type { HashHex, Height, NodeId } from '../types/ids.ts';
import { sealAggregate } from '../types/sealed-aggregates.ts';
import {
  catchUpSignedBytes,
  finalizationSignedBytes,
  notarizationSignedBytes,
  randomBeaconSignedBytes,
  randomTapeSignedBytes,
} from '../types/signed-bytes.ts';
import { combineShares, countShares, groupBy, sharesAt } from './combine-shares.ts';
import { wantedTapeHeights } from './random-tape-maker.ts';
import type { RoleContext } from './role-context.ts';

/**
 * Turns enough signature shares into the full artifact.
 *
 * Liveness: whoever holds enough shares makes the aggregate and relays it. Security: the crypto
 * port verifies every aggregate before it is returned. Where a peer's aggregate is already waiting
 * for its check, nothing is combined: one verification is enough.
 * Upstream: rs/consensus/src/consensus/share_aggregator.rs.
 */
export function aggregateShares(context: RoleContext): Mutations {
  const actions: ChangeAction[] = [];
  for (const aggregate of AGGREGATIONS) {
    actions.push(...aggregate(context));
  }
  return actions;
}

/** The message is only encoded once there are enough shares. */
function thresholdRequest(
  context: RoleContext,
  height: Height,
  tag: 'low' | 'high',
  message: () => Uint8Array,
) {
  const { membership } = context;
  const crypto = context.crypto.at(height);
  return {
    threshold: crypto.thresholdOf(tag),
    isEligible: (signer: NodeId) => membership.isReceiver(tag, signer, height),
    combine: (shares: Parameters<typeof crypto.combineThreshold>[2]) =>
      crypto.combineThreshold(tag, message(), shares),
  };
}

function aggregateBeacon(context: RoleContext): readonly ChangeAction[] {
  const { view, pool } = context;
  const beacon = view.beaconAt(view.beaconHeight());
  if (beacon === undefined) {
    return [];
  }
  const height = beacon.height + 1;
  const isEnough =
    countShares(pool, 'randomBeaconShare', height) >= context.crypto.at(height).thresholdOf('low');
  if (
    !isEnough ||
    pool.unvalidated.at('randomBeacon', height).some((b) => b.parent === beacon.hash)
  ) {
    return NO_MUTATIONS;
  }
  const shares = sharesAt(pool, 'randomBeaconShare', height);
  return combineShares({
    ...thresholdRequest(context, height, 'low', () => randomBeaconSignedBytes(height, beacon.hash)),
    shares: shares.filter((s) => s.parent === beacon.hash),
    aggregate: (signature) =>
      addToValidated(
        sealAggregate<'randomBeacon'>({
          kind: 'randomBeacon',
          height,
          parent: beacon.hash,
          signature,
        }),
      ),
  });
}

function aggregateTapes(context: RoleContext): readonly ChangeAction[] {
  const { pool } = context;
  const isWanted = (height: Height): boolean =>
    pool.validated.countAt('randomTape', height) === 0 &&
    pool.unvalidated.countAt('randomTape', height) === 0 &&
    countShares(pool, 'randomTapeShare', height) >= context.crypto.at(height).thresholdOf('low');
  const heights = wantedTapeHeights(context).filter(isWanted);
  return heights.length === 0
    ? NO_MUTATIONS
    : heights.flatMap((height) =>
        combineShares({
          ...thresholdRequest(context, height, 'low', () => randomTapeSignedBytes(height)),
          shares: sharesAt(pool, 'randomTapeShare', height),
          aggregate: (signature) =>
            addToValidated(sealAggregate<'randomTape'>({ kind: 'randomTape', height, signature })),
        }),
      );
}

function aggregateByCommittee(
  context: RoleContext,
  height: Height,
  kind: 'notarization' | 'finalization',
  isWanted: (blockHash: HashHex) => boolean,
): readonly ChangeAction[] {
  const { pool, crypto, membership } = context;
  const threshold = membership.notaryThreshold(height);
  if (countShares(pool, `${kind}Share`, height) < threshold) {
    return NO_MUTATIONS;
  }
  const committee = membership.committee(height);
  if (committee === undefined) {
    return NO_MUTATIONS;
  }
  const all = sharesAt(pool, `${kind}Share`, height);
  const signedBytes = kind === 'notarization' ? notarizationSignedBytes : finalizationSignedBytes;
  const waiting = new Set(pool.unvalidated.at(kind, height).map((a) => a.blockHash));
  const groups = groupBy(all, (share) => share.blockHash);
  return groups.flatMap((shares) => {
    const blockHash = (shares[0] as (typeof shares)[number]).blockHash;
    if (waiting.has(blockHash) || !isWanted(blockHash)) {
      return [];
    }
    return combineShares({
      shares,
      threshold,
      isEligible: (signer) => committee.includes(signer),
      combine: (chosen) => crypto.combineMulti(signedBytes(height, blockHash), chosen, threshold),
      aggregate: (signature, signers) => {
        const sorted = [...signers].sort(compareText);
        return addToValidated(
          sealAggregate({ kind, height, blockHash, signers: sorted, signature }),
        );
      },
    });
  });
}

/** Of valid blocks of the current round; an unknown block waits for a peer's notarization. */
function aggregateNotarizations(context: RoleContext): readonly ChangeAction[] {
  const { view } = context;
  const height = view.notarizedHeight() + 1;
  return aggregateByCommittee(
    context,
    height,
    'notarization',
    (blockHash) => view.proposal(height, blockHash) !== undefined,
  );
}

function aggregateFinalizations(context: RoleContext): readonly ChangeAction[] {
  const { view } = context;
  const actions: ChangeAction[] = [];
  for (let height = view.finalizedHeight() + 1; height <= view.notarizedHeight(); height += 1) {
    actions.push(
      ...aggregateByCommittee(context, height, 'finalization', (blockHash) =>
        view.isNotarized(height, blockHash),
      ),
    );
  }
  return actions;
}

function contentOf(share: CatchUpPackageShare): CatchUpContent {
  const { height, blockHash, beaconHash, stateHash, oldestRegistryVersion } = share;
  return { height, blockHash, beaconHash, stateHash, oldestRegistryVersion };
}

function aggregateCatchUpPackages(context: RoleContext): readonly ChangeAction[] {
  const { view, pool } = context;
  if (
    pool.validated.count('catchUpPackageShare') + pool.unvalidated.count('catchUpPackageShare') ===
    0
  ) {
    return NO_MUTATIONS;
  }
  const known = view.catchUpPackage().height;
  const heights = new Set([
    ...pool.validated.heights('catchUpPackageShare'),
    ...pool.unvalidated.heights('catchUpPackageShare'),
  ]);
  return [...heights].flatMap((height) => {
    const block = context.chain.blockAt(height);
    const beacon = view.beaconAt(height);
    if (height <= known || block === undefined || beacon === undefined) {
      return [];
    }
    const fitting = sharesAt(pool, 'catchUpPackageShare', height).filter(
      (share) => share.blockHash === block.blockHash && share.beaconHash === beacon.hash,
    );
    const groups = groupBy(
      fitting,
      (share) => `${share.stateHash}/${String(share.oldestRegistryVersion)}`,
    );
    return groups.flatMap((shares) => {
      const content = contentOf(shares[0] as CatchUpPackageShare);
      const { stateHash, oldestRegistryVersion } = content;
      return combineShares({
        ...thresholdRequest(context, height, 'high', () => catchUpSignedBytes(content)),
        shares,
        aggregate: (signature) =>
          addToValidated(
            sealArtifact<'catchUpPackage'>({
              kind: 'catchUpPackage',
              height,
              block,
              beacon,
              stateHash,
              oldestRegistryVersion,
              signature,
            }),
          ),
      });
    });
  });
}

const AGGREGATIONS = [
  aggregateBeacon,
  aggregateTapes,
  aggregateNotarizations,
  aggregateFinalizations,
  aggregateCatchUpPackages,
] as const;
