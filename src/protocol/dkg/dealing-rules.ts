import {
  DEALING_CAPACITY_FACTOR,
  DEALING_WINDOW_SHARE,
  MIN_COMPLAINT_HEIGHTS,
} from '../limits/dkg.ts';
import { faultsTolerated } from '../registry/committee.ts';
import type { DkgSummary } from '../types/artifacts.ts';
import type { DkgConfig, DkgTag } from '../types/dkg.ts';
import type { Height, NodeId } from '../types/ids.ts';

/** The rules of an interval that every node applies alike. All follow from its summary. */

/**
 * Data blocks after the summary in which dealings count: two thirds of the interval, so that a
 * complaint about the last one still fits before the next summary. 0 in an interval too short.
 */
export function dealingWindow(intervalLength: number): number {
  const { numerator, denominator } = DEALING_WINDOW_SHARE;
  const window = Math.floor((intervalLength * numerator) / denominator);
  return intervalLength - window >= MIN_COMPLAINT_HEIGHTS ? window : 0;
}

/** Dealings of a run worth having in blocks: enough even if f dealers are caught. */
export function dealingsWanted(config: DkgConfig): number {
  const wanted = config.collectionThreshold + faultsTolerated(config.dealers.length);
  return Math.min(config.dealers.length, wanted);
}

/**
 * Dealings in one block: 1, as on mainnet, or as many as it takes to fit all that are wanted twice
 * into the window (short intervals, large subnets).
 */
export function dealingsPerBlock(summary: DkgSummary): number {
  const window = dealingWindow(summary.intervalLength);
  const wanted = summary.configs.reduce((sum, config) => sum + dealingsWanted(config), 0);
  return window === 0 ? 0 : Math.max(1, Math.ceil((DEALING_CAPACITY_FACTOR * wanted) / window));
}

export function configOf(summary: DkgSummary, tag: DkgTag): DkgConfig | undefined {
  return summary.configs.find(({ id }) => id.tag === tag);
}

/**
 * Finalized height at which a dealer deals. The dealings of an interval are spread over the first
 * half of its window: making and checking them costs more than all else in a round.
 */
export function dealingDueHeight(summary: DkgSummary, tag: DkgTag, dealer: NodeId): Height {
  let turn = 0;
  let turns = 0;
  for (const { id, dealers } of summary.configs) {
    const at = id.tag === tag ? dealers.indexOf(dealer) : -1;
    turn = at < 0 ? turn : turns + at;
    turns += dealers.length;
  }
  const half = Math.floor(dealingWindow(summary.intervalLength) / 2);
  return summary.height + Math.floor((turn * half) / Math.max(turns, 1));
}
