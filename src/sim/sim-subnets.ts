import { wrapBls } from '../protocol/crypto/der.ts';
import { registeredNodes } from '../protocol/registry/registry-change.ts';
import type { SubnetGenesis } from '../protocol/types/genesis.ts';
import type { NodeId, SubnetId } from '../protocol/types/ids.ts';
import type { NetworkInspector, Topology } from '../wire/network.ts';
import type { NetworkSpec } from '../wire/network-spec.ts';
import { type KeyedGenesis, topologyOf } from '../wire/topology.ts';
import { createNetworkCheckers, type NetworkCheckers } from './network-checkers.ts';

/** What the simulator keeps of each subnet; there may come more. */
export interface SimSubnets {
  topology(): Topology;
  /** The place of a node's subnet. */
  indexOf(nodeId: NodeId): number;
  readonly checkers: NetworkCheckers;
  readonly inspectors: readonly (readonly [SubnetId, NetworkInspector])[];
  /** Takes up a subnet: it gets its place in the topology, checkers and an inspector. */
  readonly include: (genesis: SubnetGenesis) => void;
}

export function createSimSubnets(
  spec: NetworkSpec,
  inspectorOf: (genesis: SubnetGenesis) => NetworkInspector,
): SimSubnets {
  const subnets: KeyedGenesis[] = [];
  const places = new Map<NodeId, number>();
  const inspectors: (readonly [SubnetId, NetworkInspector])[] = [];
  const checkers = createNetworkCheckers([]);
  let topology: Topology = { subnets: [] };
  return {
    topology: () => topology,
    indexOf: (nodeId) => places.get(nodeId) ?? 0,
    checkers,
    inspectors,
    include: (genesis) => {
      const { subnetId } = genesis;
      const nodeIds = registeredNodes(genesis);
      nodeIds.forEach((id) => places.set(id, subnets.length));
      subnets.push({ genesis, publicKeyDer: wrapBls(genesis.highTranscript.publicKey) });
      topology = topologyOf(spec, subnets);
      checkers.addSubnet({ subnetId, nodeIds });
      inspectors.push([subnetId, inspectorOf(genesis)]);
    },
  };
}
