import type { Prng } from '../../base/prng.ts';
import type { LinkConditions } from '../../wire/network-spec.ts';

export type DropCause = 'loss' | 'cut' | 'partition';

/** What becomes of one packet: delivered once or twice after a delay, or dropped. */
export type LinkVerdict =
  | { readonly kind: 'drop'; readonly cause: DropCause }
  | {
      readonly kind: 'deliver';
      /** One entry per copy, network milliseconds. */
      readonly delaysMs: readonly number[];
      /** The packet may overtake earlier ones. */
      readonly reordered: boolean;
    };

/** The links that end at one node, as told by the supervisor. */
export interface LinkTable {
  /** Sets the conditions of the link from one node; null = the default of the network. */
  set(from: string, conditions: LinkConditions | null): void;
  /** Back to the default on every link. */
  reset(): void;
  /** Only these nodes are heard; null = all. */
  setReachable(nodes: ReadonlySet<string> | null): void;
  judge(from: string): LinkVerdict;
}

/** How much longer than its delay a packet takes that others overtake, milliseconds. */
const REORDER_EXTRA_MS = 20;
const PERCENT = 100;

/** Draws every chance from `prng`, so that a test can repeat a run. */
export function createLinkTable(defaults: LinkConditions, prng: Prng): LinkTable {
  const conditionsOf = new Map<string, LinkConditions>();
  let reachable: ReadonlySet<string> | null = null;
  const happens = (percent: number): boolean => percent > 0 && prng.chance(percent, PERCENT);
  const drawDelayMs = (conditions: LinkConditions): number =>
    conditions.delayMs + (conditions.jitterMs > 0 ? prng.below(conditions.jitterMs + 1) : 0);

  return {
    set: (from, conditions) => {
      if (conditions === null) {
        conditionsOf.delete(from);
      } else {
        conditionsOf.set(from, conditions);
      }
    },
    reset: () => conditionsOf.clear(),
    setReachable: (nodes) => {
      reachable = nodes;
    },
    judge: (from) => {
      const conditions = conditionsOf.get(from) ?? defaults;
      if (reachable !== null && !reachable.has(from)) {
        return { kind: 'drop', cause: 'partition' };
      }
      if (conditions.cut) {
        return { kind: 'drop', cause: 'cut' };
      }
      if (happens(conditions.lossPercent)) {
        return { kind: 'drop', cause: 'loss' };
      }
      const reordered = happens(conditions.reorderPercent);
      const first = drawDelayMs(conditions) + (reordered ? REORDER_EXTRA_MS : 0);
      return {
        kind: 'deliver',
        delaysMs: happens(conditions.duplicatePercent)
          ? [first, first + drawDelayMs(conditions)]
          : [first],
        reordered,
      };
    },
  };
}
