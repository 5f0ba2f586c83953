import type { NodeId } from '../protocol/types/ids.ts';
import type { Topology, TopologySubnet } from './network.ts';
import { applyBatch } from './project-network.ts';
import { callerOf } from './project-streams.ts';
import { registeredNodes } from './projection-edits.ts';
import { initialProjection, type NetworkProjection } from './projection.ts';
import type { HostEvent, TelemetryBatch, TelemetryEvent } from './telemetry.ts';

/** One projection a subnet, in the topology's order. What concerns the whole network is in each. */
export type SubnetProjections = readonly NetworkProjection[];

export function initialProjections(topology: Topology): SubnetProjections {
  return topology.subnets.map((_, index) => initialProjection(topology, index));
}

/** Folds a batch into the subnets that it tells of; for the others time goes on. */
export function applyToSubnets(
  projections: SubnetProjections,
  batch: TelemetryBatch,
): SubnetProjections {
  const { from } = batch;
  const added = batch.events.findLast((event) => event.kind === 'subnetAdded');
  const known = added === undefined ? projections : withTopology(projections, added.topology);
  return known.map((projection) => {
    if (from !== 'host') {
      return hasNode(projection, from) ? applyBatch(projection, batch) : atTime(projection, batch);
    }
    const events = batch.events.filter((event) => isAbout(projection, event));
    return events.length === 0
      ? atTime(projection, batch)
      : applyBatch(projection, { ...batch, events });
  });
}

/** Once the network has more subnets than are shown. */
function withTopology(projections: SubnetProjections, topology: Topology): SubnetProjections {
  return topology.subnets.map((_, index) => {
    const known = projections[index];
    return known === undefined ? initialProjection(topology, index) : { ...known, topology };
  });
}

function atTime(projection: NetworkProjection, { atNs }: TelemetryBatch): NetworkProjection {
  return atNs > projection.atNs ? { ...projection, atNs } : projection;
}

function hasNode({ topology, subnetIndex }: NetworkProjection, nodeId: NodeId): boolean {
  const subnet = topology.subnets[subnetIndex];
  return subnet !== undefined && registeredNodes(subnet).some((node) => node.nodeId === nodeId);
}

/** Whether a fact of the host is about the subnet; what is about none in particular is about all. */
function isAbout(projection: NetworkProjection, event: TelemetryEvent): boolean {
  const named = namedNodes(event as HostEvent);
  return named === undefined
    ? isOfSubnet(projection, event)
    : named.some((nodeId) => hasNode(projection, nodeId));
}

function isOfSubnet({ topology, subnetIndex }: NetworkProjection, event: TelemetryEvent): boolean {
  const subnet = topology.subnets[subnetIndex];
  switch (event.kind) {
    case 'safetyViolated':
      return event.subnetId === undefined || event.subnetId === subnet?.subnetId;
    case 'canisterChanged':
      return hosts(subnet, event.canister.canisterId);
    case 'messageExecuted':
      return hosts(subnet, event.canisterId);
    case 'callMade':
    case 'callAnswered':
      return hosts(subnet, callerOf(event.call));
    case 'streamAdvanced':
    case 'streamRestored':
      return event.stream.from === subnet?.subnetId;
    default:
      return true;
  }
}

/** Whether the canister's id is of the subnet's ranges. */
export function hosts(subnet: TopologySubnet | undefined, canisterId: string): boolean {
  return subnet?.canisterRanges.some(([first, last]) => isWithin(canisterId, first, last)) === true;
}

/** Ids that were allocated are of one length: their order is that of their text. */
function isWithin(id: string, first: string, last: string): boolean {
  return id.length === first.length && id >= first && id <= last;
}

function namedNodes(event: HostEvent): readonly NodeId[] | undefined {
  switch (event.kind) {
    case 'nodeState':
    case 'nodeHeights':
    case 'nodeConditionsChanged':
    case 'nodeBehavioursChanged':
    case 'nodeWiped':
      return [event.nodeId];
    case 'packetsSent':
      return [event.from];
    case 'packetsDropped':
    case 'linkChanged':
      return [event.from, event.to];
    case 'registryChanged':
      return event.members;
    default:
      return undefined;
  }
}
