import { codedError, err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import { parseMaliciousBehaviours } from '../wire/malicious.ts';
import type { NetworkError, NetworkErrorCode, NetworkFaults } from '../wire/network.ts';
import { initialLink, parseLinkConditions } from '../wire/network-spec.ts';
import type { LinkConditions, NetworkSpec } from '../wire/network-spec.ts';
import { HEALTHY_NODE, parseNodeConditions } from '../wire/node-conditions.ts';
import type { NodeConditions } from '../wire/node-conditions.ts';
import type { HostEvent } from '../wire/telemetry.ts';
import type { Checkers } from './checkers.ts';
import type { Simulation } from './simulation.ts';

export interface SimFaults {
  /** Who is named is checked by the guard of the network. */
  readonly port: NetworkFaults;
  /** Puts nodes that were added into their places. */
  placeNodes(): void;
  /** What is not as at the start, for who comes later. */
  facts(): readonly HostEvent[];
}

export interface SimFaultsDeps {
  readonly spec: NetworkSpec;
  readonly simulation: Simulation;
  /** Of all subnets that there are. */
  nodeIds(): readonly NodeId[];
  /** Runs the act between two moments, unless the network is closed. */
  control(
    nodeId: NodeId | null,
    act: () => Result<void, NetworkError>,
  ): Promise<Result<void, NetworkError>>;
  report(event: HostEvent): void;
  readonly checkers: Pick<Checkers, 'restarted' | 'wiped' | 'distrust'>;
}

function fail(code: NetworkErrorCode, message: string): Result<never, NetworkError> {
  return err(codedError('input', code, message));
}

/** Faults of the world in virtual time. Puts the nodes into their places at once. */
export function createSimFaults(deps: SimFaultsDeps): SimFaults {
  const { spec, simulation, nodeIds, control, report, checkers } = deps;
  const { packets } = simulation;
  let groups: readonly (readonly NodeId[])[] = [];
  /** Links that are not as at the start, by their ends. */
  const changedLinks = new Map<string, HostEvent & { readonly kind: 'linkChanged' }>();

  const linkAtStart = (from: NodeId, to: NodeId): LinkConditions =>
    initialLink(spec, nodeIds().indexOf(from), nodeIds().indexOf(to));
  const placeNodes = (): void => {
    for (const from of spec.latencyPreset === 'none' ? [] : nodeIds()) {
      for (const to of nodeIds().filter((id) => id !== from)) {
        packets.setLink(from, to, linkAtStart(from, to));
      }
    }
  };
  const setPartition = (next: readonly (readonly NodeId[])[]): Result<void, NetworkError> => {
    packets.partition(next);
    groups = next;
    report({ kind: 'partitionChanged', groups });
    return ok(undefined);
  };
  const setConditions = (
    nodeId: NodeId,
    conditions: NodeConditions,
  ): Result<void, NetworkError> => {
    simulation.setConditions(nodeId, conditions);
    report({ kind: 'nodeConditionsChanged', nodeId, conditions });
    return ok(undefined);
  };
  const unwell = (): readonly NodeId[] =>
    nodeIds().filter((id) => simulation.conditionsOf(id) !== HEALTHY_NODE);

  placeNodes();
  const port: NetworkFaults = {
    kill: (nodeId) =>
      control(nodeId, () =>
        simulation.kill(nodeId)
          ? ok(undefined)
          : fail('NODE_NOT_RUNNING', 'The node is not running.'),
      ),
    restart: (nodeId) =>
      control(nodeId, () => {
        checkers.restarted(nodeId);
        return simulation.start(nodeId)
          ? ok(undefined)
          : fail('NODE_ALREADY_RUNNING', 'The node is running already.');
      }),
    setLink: (from, to, changes) =>
      control(from, () => {
        const parsed = parseLinkConditions({ ...linkAtStart(from, to), ...changes });
        if (!parsed.ok) {
          return fail('INVALID_ARGUMENT', parsed.error.message);
        }
        packets.setLink(from, to, parsed.value);
        const change = { kind: 'linkChanged', from, to, conditions: parsed.value } as const;
        if (changes === null) {
          changedLinks.delete(`${from}>${to}`);
        } else {
          changedLinks.set(`${from}>${to}`, change);
        }
        report(change);
        return ok(undefined);
      }),
    partition: (next) => control(null, () => setPartition(next)),
    setNode: (nodeId, changes) =>
      control(nodeId, () => {
        const parsed = changes === null ? ok(HEALTHY_NODE) : parseNodeConditions(changes);
        return parsed.ok
          ? setConditions(nodeId, parsed.value)
          : fail('INVALID_ARGUMENT', parsed.error.message);
      }),
    setMalicious: (nodeId, behaviours) =>
      control(nodeId, () => {
        const parsed = parseMaliciousBehaviours(behaviours, nodeIds());
        if (!parsed.ok) {
          return fail('INVALID_ARGUMENT', parsed.error.message);
        }
        simulation.setMalicious(nodeId, parsed.value);
        if (parsed.value.length > 0) {
          checkers.distrust(nodeId);
        }
        report({ kind: 'nodeBehavioursChanged', nodeId, behaviours: parsed.value });
        return ok(undefined);
      }),
    wipe: (nodeId) =>
      control(nodeId, () => {
        if (!simulation.wipe(nodeId)) {
          return fail('NODE_ALREADY_RUNNING', 'The node is running.');
        }
        checkers.wiped(nodeId);
        report({ kind: 'nodeWiped', nodeId });
        return ok(undefined);
      }),
    heal: () =>
      control(null, () => {
        packets.heal();
        placeNodes();
        for (const { from, to } of changedLinks.values()) {
          report({ kind: 'linkChanged', from, to, conditions: linkAtStart(from, to) });
        }
        changedLinks.clear();
        for (const nodeId of unwell()) {
          setConditions(nodeId, HEALTHY_NODE);
        }
        return setPartition([]);
      }),
  };
  return {
    port,
    placeNodes: () => {
      placeNodes();
      for (const { from, to, conditions } of changedLinks.values()) {
        packets.setLink(from, to, conditions);
      }
    },
    facts: () => [
      ...changedLinks.values(),
      ...unwell().map(
        (nodeId): HostEvent => ({
          kind: 'nodeConditionsChanged',
          nodeId,
          conditions: simulation.conditionsOf(nodeId),
        }),
      ),
      ...nodeIds()
        .map((nodeId) => ({ nodeId, behaviours: simulation.behavioursOf(nodeId) }))
        .filter(({ behaviours }) => behaviours.length > 0)
        .map((node): HostEvent => ({ kind: 'nodeBehavioursChanged', ...node })),
      { kind: 'partitionChanged', groups },
    ],
  };
}
