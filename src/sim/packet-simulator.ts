import type { Prng } from '../base/prng.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { LinkDropCause, LinkModel } from '../wire/link-model.ts';
import { createLinkModel } from '../wire/link-model.ts';
import type { LinkConditions } from '../wire/network-spec.ts';

/**
 * The medium between the nodes: every directed link treats packets as the shared link model says,
 * with its own stream of seeded chance; partitions lie above it.
 */
export interface PacketSimulator {
  /** Arrival times of the copies of one packet; empty = lost. */
  send(from: NodeId, to: NodeId, nowNs: number, bytes: number): Delivery;
  setLink(from: NodeId, to: NodeId, conditions: LinkConditions | null): void;
  conditionsOf(from: NodeId, to: NodeId): LinkConditions;
  /** Nodes named in no group form one of their own; no groups = no partition. */
  partition(groups: readonly (readonly NodeId[])[]): void;
  heal(): void;
}

export type DropCause = LinkDropCause | 'partition';

export interface Delivery {
  readonly arrivalsNs: readonly number[];
  readonly dropped: DropCause | null;
}

const NS_PER_MS = 1_000_000;
/** No packet arrives at the moment it is sent: without any latency, blocks would take no time at all. */
const LEAST_LATENCY_NS = NS_PER_MS;
/** Hosts look at their sockets in turns of this length: what comes within one is handled together. */
const TURN_NS = 4 * NS_PER_MS;

const LOST_IN_PARTITION: Delivery = { arrivalsNs: [], dropped: 'partition' };

interface Link {
  readonly model: LinkModel;
  override: LinkConditions | null;
}

function arrivalAt(plannedNs: number, nowNs: number): number {
  return Math.ceil(Math.max(plannedNs, nowNs + LEAST_LATENCY_NS) / TURN_NS) * TURN_NS;
}

export function createPacketSimulator(prng: Prng, everyLink: LinkConditions): PacketSimulator {
  const links = new Map<NodeId, Map<NodeId, Link>>();
  let groupOf: ReadonlyMap<NodeId, number> | null = null;

  const linkOf = (from: NodeId, to: NodeId): Link => {
    let ofSender = links.get(from);
    if (ofSender === undefined) {
      ofSender = new Map<NodeId, Link>();
      links.set(from, ofSender);
    }
    const known = ofSender.get(to);
    if (known !== undefined) {
      return known;
    }
    const link = { model: createLinkModel(prng.fork(`${from}>${to}`)), override: null };
    ofSender.set(to, link);
    return link;
  };

  return {
    send(from, to, nowNs, bytes) {
      if (groupOf !== null && (groupOf.get(from) ?? -1) !== (groupOf.get(to) ?? -1)) {
        return LOST_IN_PARTITION;
      }
      const link = linkOf(from, to);
      const fate = link.model.send(link.override ?? everyLink, nowNs, bytes);
      return fate.kind === 'drop'
        ? { arrivalsNs: [], dropped: fate.cause }
        : { arrivalsNs: fate.arrivalsNs.map((at) => arrivalAt(at, nowNs)), dropped: null };
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
      for (const ofSender of links.values()) {
        for (const link of ofSender.values()) {
          link.override = null;
        }
      }
    },
  };
}
