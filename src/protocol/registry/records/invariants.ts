import { ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import { MAX_SUBNET_NODES } from '../../limits/consensus.ts';
import { MAX_SUBNETS } from '../../limits/registry.ts';
import type { NodeId } from '../../types/ids.ts';
import type { NetworkTopology } from '../../types/network-topology.ts';
import type { RegistryError, RegistrySnapshot } from './changelog.ts';
import { registryFault } from './changelog.ts';
import { catchUpContentsKey } from './keys.ts';
import { genesisIn, nodeRecordIn, topologyIn } from './snapshot-views.ts';

/**
 * What holds in every version; a batch that breaks it makes none. Errors: REGISTRY_INVARIANT_BROKEN
 * in words, or what cannot be read. @upstream rs/registry/canister/src/invariants
 */
export function checkInvariants(snapshot: RegistrySnapshot): Result<null, RegistryError> {
  const topology = topologyIn(snapshot);
  if (!topology.ok) {
    return topology;
  }
  const broken =
    membershipFault(topology.value) ??
    routingFault(topology.value) ??
    migrationFault(topology.value);
  if (broken !== undefined) {
    return registryFault('REGISTRY_INVARIANT_BROKEN', `${broken}.`);
  }
  for (const { subnetId, nodes } of topology.value.subnets) {
    for (const nodeId of nodes) {
      const node = nodeRecordIn(snapshot, nodeId);
      if (!node.ok) {
        return node;
      }
    }
    if (!snapshot.records.has(catchUpContentsKey(subnetId))) {
      const message = `Subnet ${subnetId} has no catch-up package contents.`;
      return registryFault('REGISTRY_INVARIANT_BROKEN', message);
    }
    const genesis = genesisIn(snapshot, subnetId);
    if (!genesis.ok) {
      return genesis;
    }
  }
  return ok(null);
}

function membershipFault({ subnets, rootSubnetId }: NetworkTopology): string | undefined {
  if (subnets.length < 1 || subnets.length > MAX_SUBNETS) {
    return `A network has 1 to ${MAX_SUBNETS} subnets`;
  }
  if (!subnets.some(({ subnetId }) => subnetId === rootSubnetId)) {
    return 'The root subnet is not in the list of subnets';
  }
  const homes = new Set<NodeId>();
  for (const { subnetId, nodes } of subnets) {
    if (nodes.length < 1 || nodes.length > MAX_SUBNET_NODES) {
      return `Subnet ${subnetId} has ${nodes.length} nodes, not 1 to ${MAX_SUBNET_NODES}`;
    }
    const twice = nodes.find((nodeId) => homes.has(nodeId));
    if (twice !== undefined) {
      return `Node ${twice} is in two subnets`;
    }
    nodes.forEach((nodeId) => homes.add(nodeId));
  }
  return undefined;
}

function routingFault({ subnets, routingTable }: NetworkTopology): string | undefined {
  const known = new Set(subnets.map(({ subnetId }) => subnetId));
  for (const [i, { first, last, subnetId }] of routingTable.entries()) {
    const previous = routingTable[i - 1];
    if (first > last) {
      return `The canister range from ${first} ends before it begins`;
    }
    if (previous !== undefined && previous.last >= first) {
      return `Two canister ranges overlap at ${first}`;
    }
    if (!known.has(subnetId)) {
      return `The canister range from ${first} is of a subnet that is not in the list`;
    }
  }
  return undefined;
}

/** A range on the move is on one of the subnets of its trace, as a whole. */
function migrationFault({
  subnets,
  routingTable,
  migrations = [],
}: NetworkTopology): string | undefined {
  const known = new Set(subnets.map(({ subnetId }) => subnetId));
  for (const [i, { first, last, trace }] of migrations.entries()) {
    const previous = migrations[i - 1];
    if (first > last || (previous !== undefined && previous.last >= first)) {
      return `Migrating canister ranges are out of order at ${first}`;
    }
    if (trace.length < 2 || trace.some((subnetId) => !known.has(subnetId))) {
      return `The migration from ${first} on does not lead from a subnet to another`;
    }
    const isHosted = routingTable.some(
      (route) => route.first <= first && last <= route.last && trace.includes(route.subnetId),
    );
    if (!isHosted) {
      return `The canisters from ${first} on migrate without being on a subnet of their trace`;
    }
  }
  return undefined;
}
