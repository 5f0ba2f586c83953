import type { Block } from '../types/artifacts.ts';
import type { DkgTranscripts } from '../types/dkg.ts';
import type { Height, RegistryVersion } from '../types/ids.ts';
import { nextSummaryHeight } from './summary.ts';

/** What is in force during one DKG interval. */
export interface Interval {
  /** Height of its summary block. */
  readonly start: Height;
  /** Height of the summary block after it. */
  readonly end: Height;
  readonly registryVersion: RegistryVersion;
  readonly transcripts: DkgTranscripts;
}

/** Which keys and which registry version are in force at a height, as far as final summaries tell. */
export interface ActiveIntervals {
  /** Learns from a summary block that is final: finalized, or vouched for by a catch-up package. */
  note(block: Block): void;
  /** Undefined beyond the interval that follows the newest known summary's, and before the oldest. */
  at(height: Height): Interval | undefined;
  /** The newest noted summary block. */
  newest(): Block | undefined;
}

/** A node that replays blocks below its catch-up package needs the interval before it, and no older one. */
const KEPT_SUMMARIES = 4;

/**
 * A summary speaks of two intervals: its own, under its registry version and current keys, and the
 * next one, under the registry version of its block's context and the next keys, or the current
 * ones again where no next key was made.
 *
 * Upstream: rs/consensus/utils/src/lib.rs#registry_version_at_height, #get_active_data_at.
 */
export function createActiveIntervals(): ActiveIntervals {
  let summaries: readonly { readonly block: Block; readonly spans: readonly Interval[] }[] = [];
  /** Answers follow each other in one interval. */
  let last: Interval | undefined;
  return {
    note: (block) => {
      const known = summaries.some(({ block: other }) => other.height === block.height);
      const spans = known ? [] : intervalsOf(block);
      if (spans.length > 0) {
        summaries = [{ block, spans }, ...summaries]
          .sort((a, b) => b.block.height - a.block.height)
          .slice(0, KEPT_SUMMARIES);
        last = undefined;
      }
    },
    at: (height) => {
      if (last !== undefined && isWithin(last, height)) {
        return last;
      }
      for (const { spans } of summaries) {
        const found = spans.find((span) => isWithin(span, height));
        if (found !== undefined) {
          last = found;
          return found;
        }
      }
      return undefined;
    },
    newest: () => summaries[0]?.block,
  };
}

function isWithin({ start, end }: Interval, height: Height): boolean {
  return start <= height && height < end;
}

function intervalsOf(block: Block): readonly Interval[] {
  if (block.payload.kind !== 'summary') {
    return [];
  }
  const { summary } = block.payload;
  const { currentTranscripts: current, nextTranscripts: next } = summary;
  const end = nextSummaryHeight(summary);
  return [
    {
      start: summary.height,
      end,
      registryVersion: summary.registryVersion,
      transcripts: current,
    },
    {
      start: end,
      end: end + summary.nextIntervalLength + 1,
      registryVersion: block.context.registryVersion,
      transcripts: { low: next.low ?? current.low, high: next.high ?? current.high },
    },
  ];
}
