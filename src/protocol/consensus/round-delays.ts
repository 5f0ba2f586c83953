import type { PoolView } from './pool-view.ts';
import {
  ACCEPTABLE_CERTIFICATION_GAP,
  BACKLOG_DELAY_MS,
  DYNAMIC_DELAY_LOOK_BACK_HEIGHTS,
  DYNAMIC_DELAY_MAX_NON_RANK_0_BLOCKS,
  DYNAMIC_DELAY_UNITS,
  MAX_RANK_DELAY_EXPONENT,
  NS_PER_MS,
  RANK_DELAY_GROWTH,
} from '../limits/consensus.ts';
import type { Block } from '../types/artifacts.ts';
import type { SubnetParameters } from '../types/genesis.ts';
import type { Height, Rank, TimeNs } from '../types/ids.ts';

/** How long makers and notaries of each rank wait in a round. Upstream: rs/consensus/utils/src/lib.rs. */

function unitDelayNs(parameters: SubnetParameters): bigint {
  return BigInt(parameters.unitDelayMs) * NS_PER_MS;
}

/** Earliest acceptance of a proposal of this rank, after the start of the round. */
export function rankDelayNs(parameters: SubnetParameters, rank: Rank): bigint {
  return unitDelayNs(parameters) * BigInt(rank);
}

/**
 * A maker's wait. Ranks above 0 wait longer when more than ten of the last 30 blocks were not of
 * rank 0: the subnet is overloaded, more competing blocks would only add load.
 */
export function blockMakerDelayNs(
  parameters: SubnetParameters,
  rank: Rank,
  parent: Block,
  view: PoolView,
): bigint {
  const delay = rankDelayNs(parameters, rank);
  if (rank === 0 || countNonRank0(parent, view) <= DYNAMIC_DELAY_MAX_NON_RANK_0_BLOCKS) {
    return delay;
  }
  return delay + DYNAMIC_DELAY_UNITS * unitDelayNs(parameters);
}

function countNonRank0(parent: Block, view: PoolView): number {
  let count = 0;
  let block: Block | undefined = parent;
  for (let i = 0; i < DYNAMIC_DELAY_LOOK_BACK_HEIGHTS && block !== undefined; i += 1) {
    count += block.rank > 0 ? 1 : 0;
    block = block.height === 0 ? undefined : view.block(block.height - 1, block.parent);
  }
  return count;
}

export interface ProgressHeights {
  readonly notarized: Height;
  readonly finalized: Height;
  readonly certified: Height;
  /** Execution stands still by order of the registry: the backlog is no reason to wait. */
  readonly isHalting: boolean;
}

/**
 * A notary's wait before it signs a block of `rank`: grows with the heights not yet finalized, so
 * that the lowest rank wins eventually, and with the certification backlog.
 *
 * @playground the backlog term is 2 s per height on mainnet; it shrinks with a unit delay below 1 s.
 */
export function notaryDelayNs(
  parameters: SubnetParameters,
  rank: Rank,
  heights: ProgressHeights,
): bigint {
  const exponent = BigInt(
    Math.min(Math.max(heights.notarized - heights.finalized, 0), MAX_RANK_DELAY_EXPONENT),
  );
  const { numerator, denominator } = RANK_DELAY_GROWTH;
  const rankDelay =
    (rankDelayNs(parameters, rank) * numerator ** exponent) / denominator ** exponent;
  const gap = heights.finalized - heights.certified;
  const perHeightMs = Math.min(BACKLOG_DELAY_MS, 2 * parameters.unitDelayMs);
  const isBehind = gap > ACCEPTABLE_CERTIFICATION_GAP && !heights.isHalting;
  const backlogMs = isBehind ? gap * perHeightMs : 0;
  return rankDelay + BigInt(parameters.initialNotaryDelayMs + backlogMs) * NS_PER_MS;
}

/**
 * When a block's time is acceptable: it may not lie in the future. When the parent itself is ahead
 * of this node's clock, the time elapsed since the parent arrived counts instead.
 */
export function acceptableFromNs(block: Block, parent: Block, view: PoolView): TimeNs {
  const startNs = view.roundStartNs(block.height);
  const { timeNs } = block.context;
  if (startNs === undefined) {
    return timeNs;
  }
  const byParent = startNs + (timeNs - parent.context.timeNs);
  return byParent < timeNs ? byParent : timeNs;
}
