import type { NodeId } from '../protocol/types/ids.ts';
import { type Checkers, createCheckers } from './checkers.ts';
import { cyclesInTransit } from './checkers/cycles-in-transit.ts';

/**
 * Checkers of a whole network: heights, blocks, roots and beacons are those of one subnet, so every
 * subnet has its own set; cycles in transit are counted over all. Which subnet a fact is about follows from the node that reports it.
 * @param subnets nodes by subnet, members and others
 */
export function createNetworkCheckers(
  subnets: readonly (readonly NodeId[])[],
  isStored?: (nodeId: NodeId, key: string) => boolean,
): Checkers {
  const transit = cyclesInTransit((nodeId) => {
    const index = subnets.findIndex((ids) => ids.includes(nodeId));
    return index < 0 ? undefined : index;
  });
  const sets = subnets.map(() => createCheckers(isStored, [transit]));
  const byNode = new Map(
    subnets.flatMap((ids, index) => ids.map((id) => [id, sets[index]] as const)),
  );
  return {
    observe: (nodeId, event) => byNode.get(nodeId)?.observe(nodeId, event),
    packet: (from, bytes) => byNode.get(from)?.packet(from, bytes),
    restarted: (nodeId) => byNode.get(nodeId)?.restarted(nodeId),
    wiped: (nodeId) => byNode.get(nodeId)?.wiped(nodeId),
    distrust: (nodeId) => byNode.get(nodeId)?.distrust(nodeId),
    executedAt: (messageId) =>
      sets.map((set) => set.executedAt(messageId)).find((height) => height !== undefined),
    get violations() {
      return sets.flatMap((set) => set.violations);
    },
  };
}
