import { present } from '../../base/assert.ts';
import { err } from '../../base/result.ts';
import {
  createRegistryKeeper,
  type RegistryKeeper,
} from '../../protocol/registry/registry-keeper.ts';
import { registeredNodes } from '../../protocol/registry/registry-change.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type { NetworkRegistry } from '../../wire/network.ts';
import { noRegistry } from '../../wire/registry-fact.ts';
import type { HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';
import type { Dealt } from '../inspector/inspector.worker.ts';
import type { NodeProcess } from './node-process.ts';
import {
  createRegistryControl,
  type RegistryControl,
  type RegistryControlDeps,
} from './registry-control.ts';
import { createRoster, networkError, type Roster } from './roster.ts';
import { createSafetyWatch } from './safety-watch.ts';

/** What the page keeps of each subnet. */
export interface SubnetControl {
  readonly subnetId: SubnetId;
  readonly dealt: Dealt;
  /** Its registered nodes, members first. */
  readonly roster: Roster;
  readonly keeper: RegistryKeeper;
  readonly registry: RegistryControl;
}

export interface SubnetControlDeps extends Pick<RegistryControlDeps, 'report' | 'save' | 'start'> {
  readonly dealt: Dealt;
  readonly processes: readonly NodeProcess[];
  /** Versions of its record that are known already. */
  readonly records: readonly SubnetRecord[];
}

export function createSubnetControl({
  dealt,
  processes,
  records,
  ...deps
}: SubnetControlDeps): SubnetControl {
  const { subnetId } = dealt.genesis;
  const roster = createRoster(processes);
  const keeper = createRegistryKeeper(dealt.genesis, records);
  const registry = createRegistryControl({ keeper, subnetId, roster, ...deps });
  return { subnetId, dealt, roster, keeper, registry };
}

/** The nodes to start. Who left is among them: it is told so by a catch-up package, and ends. */
export function everMembers({ dealt, keeper, roster }: SubnetControl): readonly NodeProcess[] {
  const members = new Set(
    [
      dealt.genesis.nodes.map(({ nodeId }) => nodeId),
      ...keeper.records().map((record) => record.members),
    ].flat(),
  );
  return roster.all().filter(({ nodeId }) => members.has(nodeId));
}

/** The records of all subnets behind one port; without an id that of the root. */
export function createNetworkRegistry(
  subnets: readonly Pick<SubnetControl, 'subnetId' | 'registry'>[],
): NetworkRegistry {
  const root = present(subnets[0], 'a network has a root subnet').registry.port;
  const find = (subnetId: SubnetId | undefined): RegistryControl['port'] | undefined =>
    subnetId === undefined
      ? root
      : subnets.find((subnet) => subnet.subnetId === subnetId)?.registry.port;
  const known = (subnetId: SubnetId | undefined): RegistryControl['port'] => {
    const port = find(subnetId);
    if (port === undefined) {
      throw new RangeError(`There is no subnet ${String(subnetId).slice(0, 64)}.`);
    }
    return port;
  };
  return {
    version: (subnetId) => known(subnetId).version(),
    record: (subnetId) => known(subnetId).record(),
    update: async (change, subnetId) =>
      find(subnetId)?.update(change) ??
      err(networkError('SUBNET_UNKNOWN', 'There is no such subnet.')),
    addSubnet: async () => err(noRegistry()),
  };
}

/** The place of a node's subnet in the topology; undefined for the host. */
export type SubnetOfNode = (nodeId: NodeId | 'host') => number | undefined;

export function createSubnetOfNode(dealt: readonly Dealt[]): SubnetOfNode {
  const byNode = new Map<string, number>(
    dealt.flatMap(({ genesis }, index) =>
      registeredNodes(genesis).map((nodeId) => [nodeId, index] as const),
    ),
  );
  return (nodeId) => byNode.get(nodeId);
}

/** Safety is a promise within a subnet: each is watched for itself. */
export function createNetworkSafety(
  dealt: readonly Dealt[],
  subnetOf: SubnetOfNode,
  report: (event: HostEvent) => void,
) {
  const watches = dealt.map(({ genesis: { subnetId } }) =>
    createSafetyWatch((violation) =>
      report(dealt.length === 1 ? violation : { ...violation, subnetId }),
    ),
  );
  return {
    observe: (batch: TelemetryBatch): void => {
      const subnet = subnetOf(batch.from);
      for (const watch of subnet === undefined ? watches : watches.slice(subnet, subnet + 1)) {
        watch.observe(batch);
      }
    },
    /** A restarted node counts again from what it had stored. */
    forget: (nodeId: NodeId): void => watches[subnetOf(nodeId) ?? 0]?.forget(nodeId),
  };
}
