import { err, ok, type Result } from '../../base/result.ts';
import type { RegistryKeeper } from '../../protocol/registry/registry-keeper.ts';
import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type { RegistryChange, SubnetRecord } from '../../protocol/types/registry.ts';
import type { NetworkError, NetworkRegistry, NetworkResult } from '../../wire/network.ts';
import { registryFact } from '../../wire/registry-fact.ts';
import type { HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';
import type { NodeProcess } from './node-process.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

export interface RegistryControl {
  readonly port: Omit<NetworkRegistry, 'addSubnet'>;
  /** Watches for nodes that left the subnet, and ends them. */
  observe(batch: TelemetryBatch): void;
  facts(): readonly HostEvent[];
}

export interface RegistryControlDeps {
  readonly keeper: RegistryKeeper;
  readonly subnetId: SubnetId;
  /** The nodes of the subnet. */
  readonly roster: Roster;
  report(event: HostEvent): void;
  /** Writes a version down before anybody acts on it. */
  save(record: SubnetRecord): Promise<Result<void, { readonly message: string }>>;
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
  const makeVersion = async (
    change: RegistryChange,
  ): Promise<Result<SubnetRecord, NetworkError>> => {
    const prepared = keeper.prepare(change);
    const saved = prepared.ok ? await deps.save(prepared.value) : ok(undefined);
    if (!saved.ok) {
      return err(networkError('STORAGE_FAILED', saved.error.message));
    }
    const made = keeper.change(change);
    return made.ok ? made : err(networkError('INVALID_ARGUMENT', made.error.message));
  };

  return {
    port: {
      version: () => keeper.newest().version,
      record: () => keeper.newest(),
      update: async (change) => {
        const making = saving.then(() => {
          const before = keeper.newest().members;
          return makeVersion(change).then((made) => ({ before, made }));
        });
        saving = making;
        const { before, made } = await making;
        if (!made.ok) {
          return made;
        }
        const { version, members } = made.value;
        report(registryFact(made.value, subnetId));
        const told = await roster.tellAll(({ control }) =>
          control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'applyRegistry', [made.value]),
        );
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
