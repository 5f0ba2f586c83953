import { ok } from '../../base/result.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../../protocol/types/registry.ts';
import type { NetworkRegistry, NetworkResult } from '../../wire/network.ts';
import { registryFact } from '../../wire/registry-fact.ts';
import type { HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';
import type { NodeProcess } from './node-process.ts';
import type { Roster } from './roster.ts';

export interface RegistryControl {
  readonly port: Omit<NetworkRegistry, 'addSubnet'>;
  /** Watches for nodes that left the subnet, and ends them. */
  observe(batch: TelemetryBatch): void;
  facts(): readonly HostEvent[];
}

/** Who keeps the record of a subnet. */
export interface RecordKeeper {
  newest(): SubnetRecord;
  /** Versions after the first, ascending. */
  records(): readonly SubnetRecord[];
  /** Makes the next version; it is on the disk before anybody acts on it. */
  change(change: RegistryChange): NetworkResult<void>;
  /** Tells the nodes, where they do not learn of it by themselves. */
  tell(record: SubnetRecord): NetworkResult<void>;
}

export interface RegistryControlDeps {
  readonly keeper: RecordKeeper;
  readonly subnetId: SubnetId;
  /** The nodes of the subnet. */
  readonly roster: Roster;
  report(event: HostEvent): void;
  start(process: NodeProcess): NetworkResult<void>;
}

/**
 * The record of one subnet and, where the IC's nodes have an orchestrator, the starting of nodes
 * that join and the stopping of nodes that left.
 */
export function createRegistryControl(deps: RegistryControlDeps): RegistryControl {
  const { keeper, subnetId, roster, report } = deps;

  const startMembers = async (joining: readonly NodeId[]): NetworkResult<void> => {
    for (const nodeId of joining) {
      const found = roster.find(nodeId);
      const isDown = found.ok && ['stopped', 'crashed'].includes(found.value.state());
      const started = isDown ? await deps.start(found.value) : ok(undefined);
      if (!started.ok) {
        return started;
      }
    }
    return ok(undefined);
  };

  /** Ends of earlier changes: each one is on the disk before the next is made. */
  let saving: Promise<unknown> = Promise.resolve();
  return {
    port: {
      version: () => keeper.newest().version,
      record: () => keeper.newest(),
      update: async (change) => {
        const making = saving.then(async () => {
          const before = keeper.newest().members;
          const made = await keeper.change(change);
          return { before, made };
        });
        saving = making;
        const { before, made } = await making;
        if (!made.ok) {
          return made;
        }
        const record = keeper.newest();
        const { version, members } = record;
        report(registryFact(record, subnetId));
        const told = await keeper.tell(record);
        const started = await startMembers(members.filter((id) => !before.includes(id)));
        const failed = [told, started].find((outcome) => !outcome.ok);
        return failed === undefined || failed.ok ? ok(version) : failed;
      },
    },
    observe: ({ from, events }) => {
      if (from === 'host' || !events.some((event) => event.kind === 'leftSubnet')) {
        return;
      }
      const found = roster.find(from);
      if (found.ok && !keeper.newest().members.includes(from)) {
        found.value.kill('left the subnet');
      }
    },
    facts: () =>
      keeper
        .records()
        .slice(-1)
        .map((record) => registryFact(record, subnetId)),
  };
}
