import {
  blockMakersFor,
  committeeFor,
  committeeThreshold,
  faultsTolerated,
} from '../registry/committee.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { HashHex, Height, NodeId } from '../types/ids.ts';
import type { PoolView } from './pool-view.ts';

/** Who makes and notarizes blocks at a height; undefined while the beacon before it is unknown. */
export interface Membership {
  readonly nodes: readonly NodeId[];
  readonly faultsTolerated: number;
  /** Shares that make a notarization or finalization. */
  readonly notaryThreshold: number;
  /** By rank. */
  blockMakers(height: Height): readonly NodeId[] | undefined;
  committee(height: Height): readonly NodeId[] | undefined;
  isReceiver(tag: 'low' | 'high', node: NodeId): boolean;
}

interface Roles {
  readonly makers: readonly NodeId[];
  readonly committee: readonly NodeId[];
}

/** Beacons whose draws are remembered; a node works on a few dozen heights at a time. */
const MAX_CACHED_BEACONS = 256;

export function createMembership(genesis: SubnetGenesis, view: PoolView): Membership {
  const nodes = genesis.nodes.map((node) => node.nodeId);
  const receivers = {
    low: new Set(genesis.lowTranscript.receivers),
    high: new Set(genesis.highTranscript.receivers),
  };
  const drawn = new Map<HashHex, Roles>();

  const rolesAt = (height: Height): Roles | undefined => {
    const beacon = view.beaconAt(height - 1);
    if (beacon === undefined) {
      return undefined;
    }
    let roles = drawn.get(beacon.hash);
    if (roles === undefined) {
      roles = {
        makers: blockMakersFor(nodes, beacon.hash),
        committee: committeeFor(nodes, beacon.hash),
      };
      if (drawn.size >= MAX_CACHED_BEACONS) {
        drawn.clear();
      }
      drawn.set(beacon.hash, roles);
    }
    return roles;
  };

  return {
    nodes,
    faultsTolerated: faultsTolerated(nodes.length),
    notaryThreshold: committeeThreshold(nodes.length),
    blockMakers: (height) => rolesAt(height)?.makers,
    committee: (height) => rolesAt(height)?.committee,
    isReceiver: (tag, node) => receivers[tag].has(node),
  };
}
