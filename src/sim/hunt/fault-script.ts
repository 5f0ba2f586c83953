import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkRegistry } from '../../wire/network.ts';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import type { Checkers } from '../checkers.ts';
import type { Simulation } from '../simulation.ts';
import type { Fault, HuntPlan } from './plan.ts';

/** Makes the faults of a plan come and go. */
export interface FaultScript {
  /** When something begins or ends. */
  readonly momentsMs: readonly number[];
  /** Does everything that is due by now, in order. */
  apply(elapsedMs: number): void;
  /** Ends every fault, makes everybody honest and starts who is down. */
  healAll(): void;
  /** False for nodes that the plan lets lie at any time. */
  isTrusted(nodeId: NodeId): boolean;
  /** False for nodes that were not members all the time. */
  isLastingMember(nodeId: NodeId): boolean;
}

interface Step {
  readonly atMs: number;
  readonly fault: Fault;
  readonly begins: boolean;
}

export function createFaultScript(
  plan: HuntPlan,
  simulation: Simulation,
  nodeIds: readonly NodeId[],
  checkers: Checkers,
  registry: Pick<NetworkRegistry, 'update'>,
): FaultScript {
  const idOf = (index: number): NodeId => nodeIds[index % nodeIds.length] as NodeId;
  const liars = new Set(
    plan.faults.flatMap(({ fault }) => (fault.kind === 'malicious' ? [idOf(fault.node)] : [])),
  );
  for (const liar of liars) {
    checkers.distrust(liar);
  }
  const steps: readonly Step[] = plan.faults
    .flatMap(({ fromMs, toMs, fault }) => [
      { atMs: fromMs, fault, begins: true },
      { atMs: toMs, fault, begins: false },
    ])
    .sort((a, b) => a.atMs - b.atMs);
  const memberships: readonly (readonly NodeId[])[] = [
    nodeIds.slice(0, plan.nodes),
    ...plan.faults.flatMap(({ fault }) =>
      fault.kind === 'membership' ? [fault.members.map((index) => idOf(index))] : [],
    ),
  ];
  const everMembers = new Set(memberships.flat());
  let next = 0;

  const start = (nodeId: NodeId): void => {
    if (!simulation.isRunning(nodeId)) {
      checkers.restarted(nodeId);
      simulation.start(nodeId);
    }
  };
  const setLink = (fault: Fault & { readonly kind: 'link' }, begins: boolean): void => {
    const [from, to] = [idOf(fault.from), idOf(fault.to)];
    simulation.packets.setLink(from, to, begins ? { ...plan.links, ...fault.conditions } : null);
  };
  const step = ({ fault, begins }: Step): void => {
    switch (fault.kind) {
      case 'malicious':
        simulation.setMalicious(idOf(fault.node), begins ? fault.behaviours : []);
        return;
      case 'crash':
      case 'wipe': {
        const nodeId = idOf(fault.node);
        if (!begins) {
          start(nodeId);
          return;
        }
        simulation.kill(nodeId);
        if (fault.kind === 'wipe') {
          simulation.wipe(nodeId);
          checkers.wiped(nodeId);
        }
        return;
      }
      case 'conditions': {
        const nodeId = idOf(fault.node);
        const conditions = begins ? { ...HEALTHY_NODE, ...fault.conditions } : HEALTHY_NODE;
        simulation.setConditions(nodeId, conditions);
        if (!begins) {
          start(nodeId);
        }
        return;
      }
      case 'membership':
        if (begins) {
          const members = fault.members.map((index) => idOf(index));
          void registry.update({ kind: 'setMembership', members });
        }
        return;
      case 'link':
        setLink(fault, begins);
        return;
      case 'partition':
        simulation.packets.partition(
          begins ? fault.groups.map((group) => group.map((index) => idOf(index))) : [],
        );
    }
  };

  return {
    momentsMs: steps.map(({ atMs }) => atMs),
    apply(elapsedMs) {
      for (let due = steps[next]; due !== undefined && due.atMs <= elapsedMs; due = steps[next]) {
        next += 1;
        step(due);
      }
    },
    healAll() {
      next = steps.length;
      simulation.packets.heal();
      for (const nodeId of nodeIds) {
        simulation.setConditions(nodeId, HEALTHY_NODE);
        simulation.setMalicious(nodeId, []);
        if (everMembers.has(nodeId)) {
          start(nodeId);
        }
      }
    },
    isTrusted: (nodeId) => !liars.has(nodeId),
    isLastingMember: (nodeId) => memberships.every((members) => members.includes(nodeId)),
  };
}
