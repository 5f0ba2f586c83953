import type { SubnetGenesis, SubnetKind, SubnetParameters } from '../protocol/types/genesis.ts';
import type { NodeId, PrincipalId } from '../protocol/types/ids.ts';
import { placeOf } from './datacentres.ts';
import type { NetworkSpec } from './network-spec.ts';
import type { Topology, TopologyNode, TopologySubnet } from './network.ts';

/** A dealt subnet with the DER form of its public key. */
export interface KeyedGenesis {
  readonly genesis: SubnetGenesis;
  readonly publicKeyDer: Uint8Array;
}

/** A canister id is the number's 8 bytes, big-endian, and the two bytes 01 01. */
function canisterIdHex(index: bigint): PrincipalId {
  return `${index.toString(16).padStart(16, '0')}0101` as PrincipalId;
}

function kindOf({ subnetType, specialization = 'none' }: SubnetParameters): SubnetKind {
  return specialization === 'none' ? subnetType : specialization;
}

/** @param first nodes of the subnets before it */
function subnetOf(
  { genesis, publicKeyDer }: KeyedGenesis,
  latencyPreset: NetworkSpec['latencyPreset'],
  first: number,
): TopologySubnet {
  const n = genesis.nodes.length;
  const faultsTolerated = Math.floor((n - 1) / 3);
  const topologyNode = (nodeId: NodeId, index: number): TopologyNode => ({
    nodeId,
    label: `Node ${index + 1}`,
    index,
    ...(latencyPreset === 'none' ? {} : { place: placeOf(index) }),
  });
  return {
    subnetId: genesis.subnetId,
    type: kindOf(genesis.parameters),
    nodes: genesis.nodes.map((node, index) => topologyNode(node.nodeId, first + index)),
    spareNodes: genesis.spareNodes.map((node, index) =>
      topologyNode(node.nodeId, first + n + index),
    ),
    faultsTolerated,
    notarizationThreshold: 2 * faultsTolerated + 1,
    dkgIntervalLength: genesis.parameters.dkgIntervalLength,
    limits: genesis.parameters.executionLimits ?? 'classroom',
    publicKeyDer,
    cryptoName: genesis.cryptoName,
    canisterRanges: genesis.canisterRanges.map(
      ([first, last]) => [canisterIdHex(first), canisterIdHex(last)] as const,
    ),
  };
}

/** What the product calls a subnet, by its place in the topology. */
export function subnetName(index: number): string {
  return index === 0 ? 'Root subnet' : `Subnet ${index + 1}`;
}

/** The public shape of a network, the same from both hosts. */
export function topologyOf(spec: NetworkSpec, subnets: readonly KeyedGenesis[]): Topology {
  let first = 0;
  return {
    subnets: subnets.map((subnet) => {
      const shape = subnetOf(subnet, spec.latencyPreset, first);
      first += shape.nodes.length + shape.spareNodes.length;
      return shape;
    }),
  };
}
