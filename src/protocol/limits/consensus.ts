/**
 * Constants of consensus. Values are those of the IC (rs/consensus, rs/limits, July 2025) unless a
 * `@playground` note says otherwise.
 */

export const NS_PER_MS = 1_000_000n;

/** Most nodes a subnet may have; bounds committees and signer lists. @playground the IC has no fixed bound, its largest subnet has 40. */
export const MAX_SUBNET_NODES = 40;

/**
 * Bytes of an encoded artifact a peer may send. Blocks over twice the payload limit (4 MiB) are invalid anyway.
 * @playground the IC bounds each kind of artifact where it is decoded.
 */
export const MAX_ARTIFACT_BYTES = 2 * 4 * 1024 * 1024 + 64 * 1024;

/** How long a restarted node without a new block leaves the dealings of new keys alone. @playground */
export const RESTART_GRACE_NS: bigint = 5_000n * NS_PER_MS;

/** Ingress messages in one block. @upstream rs/limits#MAX_INGRESS_MESSAGES_PER_BLOCK */
export const MAX_INGRESS_PER_BLOCK = 1000;

/** Heights above the own progress for which artifacts are wanted. @upstream bouncer.rs#LOOK_AHEAD */
export const LOOK_AHEAD_HEIGHTS = 10;

/** Heights kept in the validated pool below the catch-up package. @upstream rs/consensus#MINIMUM_CHAIN_LENGTH */
export const MINIMUM_CHAIN_LENGTH = 50;

/** Finalized, not yet executed batches that message routing may hold. @upstream rs/messaging#BATCH_QUEUE_BUFFER_SIZE */
export const BATCH_QUEUE_SIZE = 16;

/** Random tapes are made at most this far above the next batch. @upstream rs/consensus#RANDOM_TAPE_CHECK_MAX_HEIGHT_RANGE */
export const TAPE_LOOK_AHEAD_HEIGHTS = 16;

/** Notarized minus certified height at which notaries stop. @upstream rs/limits#MAX_NOTARIZATION_CERTIFICATION_GAP */
export const NOTARIZATION_CERTIFICATION_GAP = 70;

/** Notarized height minus next summary height at which notaries stop. @upstream rs/consensus#ACCEPTABLE_NOTARIZATION_CUP_GAP */
export const NOTARIZATION_CUP_GAP = 130;

/** Finalized minus certified height above which the notary slows down. @upstream rs/consensus/utils#ACCEPTABLE_FINALIZATION_CERTIFICATION_GAP */
export const ACCEPTABLE_CERTIFICATION_GAP = 1;

/** Notary delay per height of that gap. @upstream rs/consensus/utils#BACKLOG_DELAY_MILLIS */
export const BACKLOG_DELAY_MS = 2000;

/** Growth of the notary's rank delay per notarized, not finalized height: 3/2. @upstream rs/consensus/utils#get_adjusted_notary_delay */
export const RANK_DELAY_GROWTH = { numerator: 3n, denominator: 2n } as const;

/** Exponent bound of that growth. @playground the IC has none: 1.5^40 unit delays never pass anyway, and the numbers stay small. */
export const MAX_RANK_DELAY_EXPONENT = 40;

/** Heights looked back over: a maker of rank > 0 waits longer when too many of their blocks were not of rank 0. @upstream rs/consensus/block_maker#DYNAMIC_DELAY_LOOK_BACK_DISTANCE */
export const DYNAMIC_DELAY_LOOK_BACK_HEIGHTS = 30;
/** So many of those blocks are not yet too many. @upstream rs/consensus/block_maker#DYNAMIC_DELAY_MAX_NON_RANK_0_BLOCKS */
export const DYNAMIC_DELAY_MAX_NON_RANK_0_BLOCKS = 10;
/** How much longer, in unit delays. @upstream rs/consensus/block_maker#DYNAMIC_DELAY_EXTRA_DURATION (10 s) */
export const DYNAMIC_DELAY_UNITS = 10n;

/** A catch-up package that the node may still compute itself is held back at most so long, in unit delays. @upstream rs/consensus/catchup_package (150 s) */
export const CATCH_UP_HOLD_BACK_UNITS = 150n;

/** Calls of the round robin in one poll; the rest waits for the next poll. @playground the IC calls once per poll and polls again at once. */
export const MAX_STEPS_PER_POLL = 2000;

/** Unvalidated entries one peer may hold per kind and height: room for every maker's block twice. @playground the IC bounds a peer's slots and watches the size of the pool. */
export function maxUnvalidatedPerPeerAndHeight(faulty: number): number {
  return 2 * (faulty + 1) + 2;
}

/** The hard stops of notaries, scaled to the DKG interval. */
export interface NotaryBounds {
  readonly certificationGap: number;
  readonly catchUpGap: number;
}

/**
 * Mainnet's 70 and 130 for intervals from 100 blocks on; shorter ones keep the same ratio to each
 * other and stay within about one interval, so that a learner's subnet stops just as visibly.
 * @playground 70 and 130, whatever the interval.
 */
export function notaryBoundsFor(dkgIntervalLength: number): NotaryBounds {
  const interval = dkgIntervalLength + 1;
  return {
    certificationGap: Math.min(
      NOTARIZATION_CERTIFICATION_GAP,
      Math.max(5, Math.floor((interval * 7) / 10)),
    ),
    catchUpGap: Math.min(NOTARIZATION_CUP_GAP, Math.max(9, Math.floor((interval * 13) / 10))),
  };
}
