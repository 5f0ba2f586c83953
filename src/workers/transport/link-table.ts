import type { Prng } from '../../base/prng.ts';
import { createLinkModel, type LinkDropCause, type LinkModel } from '../../wire/link-model.ts';
import { type LinkConditions, PERFECT_LINK } from '../../wire/network-spec.ts';

export type DropCause = LinkDropCause | 'partition';

/** What becomes of one packet: delivered once or twice, or dropped. */
export type LinkVerdict =
  | { readonly kind: 'drop'; readonly cause: DropCause }
  /** One entry per copy, network time. */
  | { readonly kind: 'deliver'; readonly arrivalsNs: readonly bigint[] };

/** The links that end at one node, as told by the supervisor. */
export interface LinkTable {
  /** Sets the conditions of the link from one node. */
  set(from: string, conditions: LinkConditions): void;
  /** Only these nodes are heard; null = all. */
  setReachable(nodes: ReadonlySet<string> | null): void;
  /** @param nowNs network time, never smaller than before */
  judge(from: string, nowNs: bigint, bytes: number): LinkVerdict;
}

interface Link {
  readonly model: LinkModel;
  conditions: LinkConditions;
}

/**
 * Draws every chance from `prng`, a stream of its own for each link, so that a test can repeat a run.
 * @param originNs any network time that is not in the future: the models count from there
 */
export function createLinkTable(prng: Prng, originNs: bigint): LinkTable {
  const links = new Map<string, Link>();
  let reachable: ReadonlySet<string> | null = null;
  const linkFrom = (from: string): Link => {
    const known = links.get(from);
    if (known !== undefined) {
      return known;
    }
    const link = { model: createLinkModel(prng.fork(from)), conditions: PERFECT_LINK };
    links.set(from, link);
    return link;
  };

  return {
    set: (from, conditions) => {
      linkFrom(from).conditions = conditions;
    },
    setReachable: (nodes) => {
      reachable = nodes;
    },
    judge: (from, nowNs, bytes) => {
      if (reachable !== null && !reachable.has(from)) {
        return { kind: 'drop', cause: 'partition' };
      }
      const { model, conditions } = linkFrom(from);
      const fate = model.send(conditions, Number(nowNs - originNs), bytes);
      return fate.kind === 'drop'
        ? fate
        : { kind: 'deliver', arrivalsNs: fate.arrivalsNs.map((at) => originNs + BigInt(at)) };
    },
  };
}
