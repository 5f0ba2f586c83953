import type { NodeId, SubnetId } from '../protocol/types/ids.ts';
import { type Checkers, createCheckers } from './checkers.ts';
import { cyclesInTransit } from './checkers/cycles-in-transit.ts';
import { streamsAdvance } from './checkers/streams.ts';

/** Checkers of all subnets, and what they know of the messages between them. */
export interface NetworkCheckers extends Checkers {
  /** Streams that still hold something, and cycles that left and did not arrive; empty = all arrived. */
  underWay(): readonly string[];
  addSubnet(subnet: CheckedSubnet): void;
}

/** Nodes of a subnet, members and others. */
export interface CheckedSubnet {
  readonly subnetId: SubnetId;
  readonly nodeIds: readonly NodeId[];
}

/**
 * Checkers of a whole network: heights, blocks, roots and beacons are those of one subnet, so every
 * subnet has its own set; cycles in transit and the streams between subnets are looked at over all. Which subnet a fact is about
 * follows from the node that reports it.
 */
export function createNetworkCheckers(
  first: readonly CheckedSubnet[],
  isStored?: (nodeId: NodeId, key: string) => boolean,
): NetworkCheckers {
  const subnetIds = new Map<NodeId, SubnetId>();
  const transit = cyclesInTransit((nodeId) => subnetIds.get(nodeId));
  const streams = streamsAdvance((nodeId) => subnetIds.get(nodeId));
  const sets: Checkers[] = [];
  const byNode = new Map<NodeId, Checkers>();
  const addSubnet = ({ subnetId, nodeIds }: CheckedSubnet): void => {
    const set = createCheckers(isStored, [transit, streams]);
    sets.push(set);
    for (const nodeId of nodeIds) {
      subnetIds.set(nodeId, subnetId);
      byNode.set(nodeId, set);
    }
  };
  first.forEach(addSubnet);
  return {
    addSubnet,
    observe: (nodeId, event) => byNode.get(nodeId)?.observe(nodeId, event),
    packet: (from, bytes) => byNode.get(from)?.packet(from, bytes),
    restarted: (nodeId) => byNode.get(nodeId)?.restarted(nodeId),
    wiped: (nodeId) => byNode.get(nodeId)?.wiped(nodeId),
    distrust: (nodeId) => byNode.get(nodeId)?.distrust(nodeId),
    executedAt: (messageId) =>
      sets.map((set) => set.executedAt(messageId)).find((height) => height !== undefined),
    underWay: () => {
      const cycles = transit.inTransit();
      return [...streams.undrained(), ...(cycles === 0n ? [] : [`${cycles} cycles`])];
    },
    get violations() {
      return sets.flatMap((set) => set.violations);
    },
  };
}
