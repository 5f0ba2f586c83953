import { codedError, err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import type { RegistryKeeper } from '../protocol/registry/registry-keeper.ts';
import { createRegistryKeeper } from '../protocol/registry/registry-keeper.ts';
import type { SubnetGenesis } from '../protocol/types/genesis.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import type { NetworkError, NetworkRegistry } from '../wire/network.ts';
import type { HostEvent } from '../wire/telemetry.ts';
import { registryFact } from '../wire/registry-fact.ts';
import type { Checkers } from './checkers.ts';
import type { Simulation } from './simulation.ts';

export interface SimRegistry {
  readonly port: Omit<NetworkRegistry, 'addSubnet'>;
  /** Versions after the genesis, for a node that starts. */
  records(): readonly SubnetRecord[];
  /** What is not as at the start, for who comes later. */
  facts(): readonly HostEvent[];
  observe(nodeId: NodeId, event: TraceEvent): void;
  /** Ends nodes that left the subnet; between two moments. */
  stopLeavers(): void;
}

export interface SimRegistryDeps {
  readonly genesis: SubnetGenesis;
  /** Position of the subnet in the network. */
  readonly subnet: number;
  readonly simulation: Pick<Simulation, 'start' | 'kill' | 'broadcast' | 'isRunning'>;
  /** They are told of nodes that begin anew: a spare one may have run before, and ended. */
  readonly checkers: Pick<Checkers, 'restarted'>;
  /** Runs the act between two moments, unless the network is closed. */
  control(
    nodeId: NodeId | null,
    act: () => Result<void, NetworkError>,
  ): Promise<Result<void, NetworkError>>;
  report(event: HostEvent): void;
}

/**
 * The registry and, where the IC's nodes have an orchestrator, the starting of nodes that join and
 * the stopping of nodes that left.
 */
export function createSimRegistry(deps: SimRegistryDeps): SimRegistry {
  const { simulation, checkers, control, report } = deps;
  const { subnetId } = deps.genesis;
  const keeper: RegistryKeeper = createRegistryKeeper(deps.genesis);
  const leavers = new Set<NodeId>();
  return {
    port: {
      version: () => keeper.newest().version,
      record: () => keeper.newest(),
      update: async (change) => {
        const before = keeper.newest().members;
        const done = await control(null, () => {
          const made = keeper.change(change);
          if (!made.ok) {
            return err(codedError('input', 'INVALID_ARGUMENT', made.error.message));
          }
          simulation.broadcast({ kind: 'registryDelta', records: [made.value] }, deps.subnet);
          report(registryFact(made.value, subnetId));
          for (const member of made.value.members.filter((id) => !before.includes(id))) {
            leavers.delete(member);
            if (!simulation.isRunning(member)) {
              checkers.restarted(member);
              simulation.start(member);
            }
          }
          return ok(undefined);
        });
        return done.ok ? ok(keeper.newest().version) : done;
      },
    },
    records: keeper.records,
    facts: () =>
      keeper
        .records()
        .slice(-1)
        .map((record) => registryFact(record, subnetId)),
    observe: (nodeId, event) => {
      if (event.kind === 'leftSubnet' && !keeper.newest().members.includes(nodeId)) {
        leavers.add(nodeId);
      }
    },
    stopLeavers: () => {
      for (const nodeId of leavers) {
        simulation.kill(nodeId);
      }
      leavers.clear();
    },
  };
}
