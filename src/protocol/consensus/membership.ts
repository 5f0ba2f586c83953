import type { ActiveIntervals, Interval } from '../dkg/active-intervals.ts';
import { blockMakersFor, committeeFor, committeeThreshold } from '../registry/committee.ts';
import type { RegistryReader } from '../registry/registry-client.ts';
import type { HashHex, Height, NodeId } from '../types/ids.ts';
import type { PoolView } from './pool-view.ts';

/**
 * Who makes and notarizes blocks at a height, from the registry version in force there. Undefined
 * while the beacon before it, the summary that tells the version, or that version is unknown.
 */
export interface Membership {
  nodesAt(height: Height): readonly NodeId[] | undefined;
  /** Shares that make a notarization or finalization; more than there can ever be while unknown. */
  notaryThreshold(height: Height): number;
  /** By rank. */
  blockMakers(height: Height): readonly NodeId[] | undefined;
  committee(height: Height): readonly NodeId[] | undefined;
  /** Whether the node has a share of the threshold key in force at the height. True while that key is unknown: nobody is a stranger yet. */
  isReceiver(tag: 'low' | 'high', node: NodeId, height: Height): boolean;
}

interface Roles {
  readonly version: number;
  readonly makers: readonly NodeId[];
  readonly committee: readonly NodeId[];
}

/** Beacons whose draws are remembered; a node works on a few dozen heights at a time. */
const MAX_CACHED_BEACONS = 256;

export function createMembership(
  registry: RegistryReader,
  intervals: ActiveIntervals,
  view: PoolView,
): Membership {
  const drawn = new Map<HashHex, Roles>();

  const nodesAt = (height: Height): readonly NodeId[] | undefined => {
    const interval = intervals.at(height);
    return interval && registry.recordAt(interval.registryVersion)?.members;
  };
  const draw = (beacon: HashHex, nodes: readonly NodeId[], version: number): Roles => {
    const known = drawn.get(beacon);
    if (known?.version === version) {
      return known;
    }
    if (drawn.size >= MAX_CACHED_BEACONS) {
      drawn.clear();
    }
    const roles = {
      version,
      makers: blockMakersFor(nodes, beacon),
      committee: committeeFor(nodes, beacon),
    };
    drawn.set(beacon, roles);
    return roles;
  };
  const rolesAt = (height: Height): Roles | undefined => {
    const beacon = view.beaconAt(height - 1);
    const interval = beacon && intervals.at(height);
    const nodes = interval && registry.recordAt(interval.registryVersion)?.members;
    return beacon && nodes && draw(beacon.hash, nodes, interval.registryVersion);
  };

  return {
    nodesAt,
    notaryThreshold: (height) => {
      const nodes = nodesAt(height);
      return nodes === undefined ? Number.MAX_SAFE_INTEGER : committeeThreshold(nodes.length);
    },
    blockMakers: (height) => rolesAt(height)?.makers,
    committee: (height) => rolesAt(height)?.committee,
    isReceiver: (tag, node, height) =>
      intervals.at(height)?.transcripts[tag].key.receivers.includes(node) !== false,
  };
}

/**
 * Whether a node has no part in the subnet any more: no member in this interval, the next, or by the
 * newest registry version, and no holder of a share of their keys. Undefined next = not known yet.
 */
export function hasLeft(
  nodeId: NodeId,
  current: Interval,
  next: Interval | undefined,
  registry: RegistryReader,
): boolean {
  return (
    !registry.newest().members.includes(nodeId) &&
    [current, next].every((interval) => {
      const members = interval && registry.recordAt(interval.registryVersion)?.members;
      const { low, high } = interval?.transcripts ?? {};
      return (
        members?.includes(nodeId) === false &&
        low?.key.receivers.includes(nodeId) === false &&
        high?.key.receivers.includes(nodeId) === false
      );
    })
  );
}
