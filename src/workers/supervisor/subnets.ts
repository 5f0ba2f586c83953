import { present } from '../../base/assert.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { createRegistryKeeper } from '../../protocol/registry/registry-keeper.ts';
import { genesisRecord, registeredNodes } from '../../protocol/registry/registry-change.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type { NetworkRegistry } from '../../wire/network.ts';
import type { HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';
import type { Dealt } from '../inspector/registry-office.ts';
import type { NodeProcess } from './node-process.ts';
import {
  createRegistryControl,
  type RecordKeeper,
  type RegistryControl,
  type RegistryControlDeps,
} from './registry-control.ts';
import type { RootRegistry } from './root-registry.ts';
import { CONTROL_DEADLINE_MS, createRoster, networkError, type Roster } from './roster.ts';
import { createSafetyWatch } from './safety-watch.ts';

/** What the page keeps of each subnet. */
export interface SubnetControl {
  readonly subnetId: SubnetId;
  readonly dealt: Dealt;
  /** Its registered nodes, members first. */
  readonly roster: Roster;
  readonly keeper: RecordKeeper;
  readonly registry: RegistryControl;
}

export interface SubnetControlDeps extends Pick<RegistryControlDeps, 'report' | 'start'> {
  readonly dealt: Dealt;
  readonly processes: readonly NodeProcess[];
  /** The network's; null where the page keeps the record of the only subnet. */
  readonly root: RootRegistry | null;
  /** Versions of that record that are known already. */
  readonly records: readonly SubnetRecord[];
  /** Writes one down before anybody acts on it. */
  save(record: SubnetRecord): Promise<Result<void, { readonly message: string }>>;
}

export function createSubnetControl(deps: SubnetControlDeps): SubnetControl {
  const { dealt, processes, root, report, start } = deps;
  const { subnetId } = dealt.genesis;
  const roster = createRoster(processes);
  const keeper = root === null ? keptByPage(deps, roster) : keptByRoot(root, dealt);
  const registry = createRegistryControl({ keeper, subnetId, roster, report, start });
  return { subnetId, dealt, roster, keeper, registry };
}

function keptByPage({ dealt, records, save }: SubnetControlDeps, roster: Roster): RecordKeeper {
  const keeper = createRegistryKeeper(dealt.genesis, records);
  return {
    newest: keeper.newest,
    records: keeper.records,
    change: async (change) => {
      const prepared = keeper.prepare(change);
      const saved = prepared.ok ? await save(prepared.value) : ok(undefined);
      if (!saved.ok) {
        return err(networkError('STORAGE_FAILED', saved.error.message));
      }
      const made = keeper.change(change);
      return made.ok ? ok(undefined) : err(networkError('INVALID_ARGUMENT', made.error.message));
    },
    tell: (record) =>
      roster.tellAll(({ control }) =>
        control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'applyRegistry', [record]),
      ),
  };
}

function keptByRoot(root: RootRegistry, { genesis }: Dealt): RecordKeeper {
  const records = (): readonly SubnetRecord[] => root.recordsOf(genesis.subnetId);
  return {
    records,
    newest: () => records().at(-1) ?? genesisRecord(genesis),
    change: (change) => root.change(genesis.subnetId, change),
    tell: async () => ok(undefined),
  };
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

/**
 * The records of all subnets behind one port; without an id that of the root.
 * @param subnets grows when one is added
 */
export function createNetworkRegistry(
  subnets: readonly Pick<SubnetControl, 'subnetId' | 'registry'>[],
  addSubnet: NetworkRegistry['addSubnet'],
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
    addSubnet,
  };
}

/** The place of a node's subnet in the topology; undefined for the host. */
export type SubnetOfNode = (nodeId: NodeId | 'host') => number | undefined;

/** @param dealt grows when a subnet is added */
export function createSubnetOfNode(dealt: readonly Dealt[]): SubnetOfNode {
  const byNode = new Map<string, number>();
  let counted = 0;
  return (nodeId) => {
    for (; counted < dealt.length; counted += 1) {
      const { genesis } = present(dealt[counted], 'an index of the list');
      registeredNodes(genesis).forEach((id) => byNode.set(id, counted));
    }
    return byNode.get(nodeId);
  };
}

/** Safety is a promise within a subnet: each is watched for itself. */
export function createNetworkSafety(
  dealt: readonly Dealt[],
  subnetOf: SubnetOfNode,
  report: (event: HostEvent) => void,
) {
  const watches: ReturnType<typeof createSafetyWatch>[] = [];
  const watchAll = (): readonly ReturnType<typeof createSafetyWatch>[] => {
    for (const { genesis } of dealt.slice(watches.length)) {
      const { subnetId } = genesis;
      const watch = createSafetyWatch((violation) =>
        report(dealt.length === 1 ? violation : { ...violation, subnetId }),
      );
      watches.push(watch);
    }
    return watches;
  };
  return {
    observe: (batch: TelemetryBatch): void => {
      const subnet = subnetOf(batch.from);
      const all = watchAll();
      for (const watch of subnet === undefined ? all : all.slice(subnet, subnet + 1)) {
        watch.observe(batch);
      }
    },
    /** A restarted node counts again from what it had stored. */
    forget: (nodeId: NodeId): void => watchAll()[subnetOf(nodeId) ?? 0]?.forget(nodeId),
  };
}
