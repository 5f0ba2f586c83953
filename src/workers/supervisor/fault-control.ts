import { err, ok, type Result } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../../protocol/types/malicious.ts';
import type { NetworkError, NetworkFaults, NetworkResult } from '../../wire/network.ts';
import { type LinkConditions, parseLinkConditions } from '../../wire/network-spec.ts';
import {
  HEALTHY_NODE,
  type NodeConditions,
  parseNodeConditions,
} from '../../wire/node-conditions.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import type { NodeLinks } from '../node/control.ts';
import { createMaliciousControl } from './malicious-control.ts';
import type { NodeProcess } from './node-process.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

export interface FaultControl {
  readonly port: NetworkFaults;
  /** The links that end at a node, for its next start. */
  linksOf(nodeId: NodeId): NodeLinks;
  /** Tells all nodes their links again: there are nodes that they do not know of. */
  refreshLinks(): NetworkResult<void>;
  conditionsOf(nodeId: NodeId): NodeConditions;
  behavioursOf(nodeId: NodeId): readonly MaliciousBehaviour[];
  /** Everything that is not as at the start, for who comes later. */
  facts(): readonly HostEvent[];
}

export interface FaultControlDeps {
  readonly roster: Roster;
  /** Conditions of a link nobody changed. */
  initialLink(from: NodeId, to: NodeId): LinkConditions;
  report(event: HostEvent): void;
  start(process: NodeProcess): NetworkResult<void>;
  /** Erases what a node that does not run has stored. */
  wipeStorage(nodeId: NodeId): Promise<Result<void, { readonly message: string }>>;
}

/** Everything the world does to nodes and links; remembered here, so that a restarted node has it too. */
export function createFaultControl(deps: FaultControlDeps): FaultControl {
  const { roster } = deps;
  const links = createLinkFaults(deps);
  const nodes = createNodeFaults(deps);
  const malicious = createMaliciousControl(deps);
  const heal: NetworkFaults['heal'] = async () => {
    const [whole, healthy] = await Promise.all([links.heal(), nodes.heal()]);
    return whole.ok ? healthy : whole;
  };
  return {
    port: {
      kill: async (nodeId) => {
        const found = findInState(roster, nodeId, 'up');
        if (found.ok) {
          found.value.kill('killed');
        }
        return found.ok ? ok(undefined) : found;
      },
      restart: async (nodeId) => {
        const found = findInState(roster, nodeId, 'down');
        return found.ok ? deps.start(found.value) : found;
      },
      setLink: links.setLink,
      partition: links.partition,
      setNode: nodes.setNode,
      setMalicious: malicious.setMalicious,
      wipe: async (nodeId) => {
        const found = findInState(roster, nodeId, 'down');
        if (!found.ok) {
          return found;
        }
        const wiped = await deps.wipeStorage(nodeId);
        if (!wiped.ok) {
          const message = `The storage was not erased: ${wiped.error.message}.`;
          return err(networkError('STORAGE_FAILED', message));
        }
        deps.report({ kind: 'nodeWiped', nodeId });
        return ok(undefined);
      },
      heal,
    },
    linksOf: links.linksOf,
    refreshLinks: links.tellLinks,
    conditionsOf: nodes.conditionsOf,
    behavioursOf: malicious.behavioursOf,
    facts: () => [...links.facts(), ...nodes.facts(), ...malicious.facts()],
  };
}

function findInState(
  roster: Roster,
  nodeId: NodeId,
  wanted: 'up' | 'down',
): Result<NodeProcess, NetworkError> {
  const found = roster.find(nodeId);
  if (!found.ok) {
    return found;
  }
  const state = found.value.state();
  const isUp = state === 'running' || state === 'starting';
  if (isUp === (wanted === 'up')) {
    return found;
  }
  const code = isUp ? 'NODE_ALREADY_RUNNING' : 'NODE_NOT_RUNNING';
  return err(networkError(code, `The node is ${state}.`));
}

function createNodeFaults({ roster, report }: FaultControlDeps) {
  const conditions = new Map<NodeId, NodeConditions>();
  const conditionsOf = (nodeId: NodeId): NodeConditions => conditions.get(nodeId) ?? HEALTHY_NODE;
  const apply = (nodeId: NodeId, next: NodeConditions): NetworkResult<void> => {
    if (next === HEALTHY_NODE) {
      conditions.delete(nodeId);
    } else {
      conditions.set(nodeId, next);
    }
    report({ kind: 'nodeConditionsChanged', nodeId, conditions: next });
    return roster.tell(nodeId, ({ control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setConditions', next),
    );
  };
  const setNode: NetworkFaults['setNode'] = async (nodeId, changes) => {
    const found = roster.find(nodeId);
    if (!found.ok) {
      return found;
    }
    const parsed = changes === null ? ok(HEALTHY_NODE) : parseNodeConditions(changes);
    return parsed.ok
      ? apply(nodeId, parsed.value)
      : err(networkError('INVALID_ARGUMENT', parsed.error.message));
  };
  const heal = async (): NetworkResult<void> => {
    const outcomes = await Promise.all(
      [...conditions.keys()].map((nodeId) => apply(nodeId, HEALTHY_NODE)),
    );
    return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
  };
  const facts = (): readonly HostEvent[] =>
    [...conditions].map(([nodeId, current]) => ({
      kind: 'nodeConditionsChanged',
      nodeId,
      conditions: current,
    }));
  return { setNode, conditionsOf, heal, facts };
}

function createLinkFaults({ roster, initialLink, report }: FaultControlDeps) {
  /** By receiver, then sender. */
  const rules = new Map<NodeId, Map<NodeId, LinkConditions>>();
  let groups: readonly (readonly NodeId[])[] = [];

  const linksOf = (nodeId: NodeId): NodeLinks => ({
    conditions: roster
      .all()
      .filter((process) => process.nodeId !== nodeId)
      .map(({ nodeId: from }) => [from, rules.get(nodeId)?.get(from) ?? initialLink(from, nodeId)]),
    reachable: reachableFrom(nodeId, groups, roster),
  });
  const tellLinks = (): NetworkResult<void> =>
    roster.tellAll(({ nodeId, control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setLinks', linksOf(nodeId)),
    );

  const setLink: NetworkFaults['setLink'] = async (from, to, conditions) => {
    const parsed = linkChange(roster, from, to, { ...initialLink(from, to), ...conditions });
    if (!parsed.ok) {
      return parsed;
    }
    const ofReceiver = rules.get(to) ?? new Map<NodeId, LinkConditions>();
    rules.set(to, ofReceiver);
    if (conditions === null) {
      ofReceiver.delete(from);
    } else {
      ofReceiver.set(from, parsed.value);
    }
    report({ kind: 'linkChanged', from, to, conditions: parsed.value });
    return tellLinks();
  };
  const partition: NetworkFaults['partition'] = async (next) => {
    const checked = checkGroups(roster, next);
    if (!checked.ok) {
      return checked;
    }
    groups = next;
    report({ kind: 'partitionChanged', groups });
    return tellLinks();
  };
  const heal = async (): NetworkResult<void> => {
    for (const [to, ofReceiver] of rules) {
      for (const from of ofReceiver.keys()) {
        report({ kind: 'linkChanged', from, to, conditions: initialLink(from, to) });
      }
    }
    rules.clear();
    groups = [];
    report({ kind: 'partitionChanged', groups });
    return tellLinks();
  };
  const facts = (): readonly HostEvent[] => [
    ...[...rules].flatMap(([to, ofReceiver]) =>
      [...ofReceiver].map(
        ([from, conditions]): HostEvent => ({
          kind: 'linkChanged',
          from,
          to,
          conditions,
        }),
      ),
    ),
    { kind: 'partitionChanged', groups },
  ];
  return { setLink, partition, linksOf, tellLinks, heal, facts };
}

/** Nodes on the same side; nodes named in no group form one of their own. */
function reachableFrom(
  nodeId: NodeId,
  groups: readonly (readonly NodeId[])[],
  roster: Roster,
): readonly NodeId[] | null {
  if (groups.length === 0) {
    return null;
  }
  const own = groups.find((group) => group.includes(nodeId));
  if (own !== undefined) {
    return own;
  }
  const named = new Set(groups.flat());
  return roster
    .all()
    .map((process) => process.nodeId)
    .filter((other) => !named.has(other));
}

function linkChange(
  roster: Roster,
  from: NodeId,
  to: NodeId,
  conditions: unknown,
): Result<LinkConditions, NetworkError> {
  for (const end of [from, to]) {
    const found = roster.find(end);
    if (!found.ok) {
      return found;
    }
  }
  if (from === to) {
    return err(networkError('INVALID_ARGUMENT', 'A node has no link to itself.'));
  }
  const parsed = parseLinkConditions(conditions);
  return parsed.ok ? parsed : err(networkError('INVALID_ARGUMENT', parsed.error.message));
}

function checkGroups(
  roster: Roster,
  groups: readonly (readonly NodeId[])[],
): Result<void, NetworkError> {
  const named = groups.flat();
  for (const nodeId of named) {
    const found = roster.find(nodeId);
    if (!found.ok) {
      return found;
    }
  }
  return new Set(named).size === named.length
    ? ok(undefined)
    : err(networkError('INVALID_ARGUMENT', 'A node can be in one group only.'));
}
