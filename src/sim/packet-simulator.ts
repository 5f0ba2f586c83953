import type { Prng } from '../base/prng.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { LinkConditions } from '../wire/network-spec.ts';

/**
 * The medium between the nodes: every directed link delays, loses, repeats and reorders packets by
 * its conditions, with its own stream of seeded chance. Packets of a link stay in order unless a
 * reordering is drawn.
 */
export interface PacketSimulator {
  /** Arrival times of the copies of one packet; empty = lost. */
  send(from: NodeId, to: NodeId, nowNs: number): Delivery;
  setLink(from: NodeId, to: NodeId, conditions: LinkConditions | null): void;
  conditionsOf(from: NodeId, to: NodeId): LinkConditions;
  /** Nodes named in no group form one of their own; no groups = no partition. */
  partition(groups: readonly (readonly NodeId[])[]): void;
  heal(): void;
}

export interface Delivery {
  readonly arrivalsNs: readonly number[];
  readonly dropped: 'loss' | 'cut' | 'partition' | null;
}

const NS_PER_MS = 1_000_000;
const US_PER_MS = 1000;
/** No packet arrives at the moment it is sent: without any latency, blocks would take no time at all. */
const LEAST_LATENCY_NS = NS_PER_MS;
/** Hosts look at their sockets in turns of this length: what comes within one is handled together. */
const TURN_NS = 2 * NS_PER_MS;
/** A reordered packet is held back by up to this much beyond its delay. */
const REORDER_MS = 50;

interface Link {
  readonly prng: Prng;
  lastArrivalNs: number;
  override: LinkConditions | null;
}

function atTurn(atNs: number): number {
  return Math.ceil(atNs / TURN_NS) * TURN_NS;
}

export function createPacketSimulator(prng: Prng, everyLink: LinkConditions): PacketSimulator {
  const links = new Map<string, Link>();
  let groupOf: ReadonlyMap<NodeId, number> | null = null;

  const linkOf = (from: NodeId, to: NodeId): Link => {
    const key = `${from}>${to}`;
    const known = links.get(key);
    if (known !== undefined) {
      return known;
    }
    const link = { prng: prng.fork(key), lastArrivalNs: 0, override: null };
    links.set(key, link);
    return link;
  };

  const arrival = (link: Link, conditions: LinkConditions, nowNs: number): number => {
    const jitterUs = link.prng.below(conditions.jitterMs * US_PER_MS + 1);
    const delayNs = Math.max(LEAST_LATENCY_NS, conditions.delayMs * NS_PER_MS);
    const planned = nowNs + delayNs + jitterUs * 1000;
    if (link.prng.chance(conditions.reorderPercent, 100)) {
      return atTurn(planned + link.prng.below(REORDER_MS * US_PER_MS) * 1000);
    }
    link.lastArrivalNs = Math.max(link.lastArrivalNs, atTurn(planned));
    return link.lastArrivalNs;
  };

  return {
    send(from, to, nowNs) {
      const link = linkOf(from, to);
      const conditions = link.override ?? everyLink;
      if (groupOf !== null && (groupOf.get(from) ?? -1) !== (groupOf.get(to) ?? -1)) {
        return { arrivalsNs: [], dropped: 'partition' };
      }
      if (conditions.cut) {
        return { arrivalsNs: [], dropped: 'cut' };
      }
      if (link.prng.chance(conditions.lossPercent, 100)) {
        return { arrivalsNs: [], dropped: 'loss' };
      }
      const arrivalsNs = [arrival(link, conditions, nowNs)];
      if (link.prng.chance(conditions.duplicatePercent, 100)) {
        arrivalsNs.push(arrival(link, conditions, nowNs));
      }
      return { arrivalsNs, dropped: null };
    },
    setLink(from, to, conditions) {
      linkOf(from, to).override = conditions;
    },
    conditionsOf: (from, to) => linkOf(from, to).override ?? everyLink,
    partition(groups) {
      const entries = groups.flatMap((group, index) => group.map((id) => [id, index] as const));
      groupOf = groups.length === 0 ? null : new Map(entries);
    },
    heal() {
      groupOf = null;
      for (const link of links.values()) {
        link.override = null;
      }
    },
  };
}
