import { compareText } from '../../base/bytes.ts';
import { present } from '../../base/assert.ts';
import { wrapBls } from '../crypto/der.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { SubnetId } from '../types/ids.ts';
import type { NetworkTopology, RoutingEntry, SubnetEntry } from '../types/network-topology.ts';

/** The topology that a network starts with. @param subnets the root subnet first */
export function genesisTopology(subnets: readonly SubnetGenesis[]): NetworkTopology {
  const root = present(subnets[0], 'a network has a root subnet');
  const entries = subnets.map(
    (genesis): SubnetEntry => ({
      subnetId: genesis.subnetId,
      subnetType: genesis.parameters.subnetType,
      publicKeyDer: wrapBls(genesis.highTranscript.publicKey),
      nodes: genesis.nodes.map(({ nodeId }) => nodeId),
    }),
  );
  const routes = subnets.flatMap(({ subnetId, canisterRanges }) =>
    canisterRanges.map(([first, last]): RoutingEntry => ({ first, last, subnetId })),
  );
  return {
    rootSubnetId: root.subnetId,
    subnets: entries.toSorted((a, b) => compareText(a.subnetId, b.subnetId)),
    routingTable: routes.toSorted((a, b) => Number(a.first > b.first) - Number(a.first < b.first)),
  };
}

/** The subnet that hosts a canister id; undefined = no route. */
export function subnetOfCanister(topology: NetworkTopology, id: bigint): SubnetId | undefined {
  return topology.routingTable.find(({ first, last }) => first <= id && id <= last)?.subnetId;
}

export function subnetEntry(topology: NetworkTopology, id: SubnetId): SubnetEntry | undefined {
  return topology.subnets.find(({ subnetId }) => subnetId === id);
}
