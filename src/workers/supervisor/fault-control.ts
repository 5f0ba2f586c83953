import { err, ok, type Result } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkError, NetworkFaults, NetworkResult } from '../../wire/network.ts';
import { type LinkConditions, parseLinkConditions } from '../../wire/network-spec.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import type { NodeLinks } from '../node/control.ts';
import type { NodeProcess } from './node-process.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

export interface FaultControl {
  readonly port: NetworkFaults;
  /** The links that end at a node, for its next start. */
  linksOf(nodeId: NodeId): NodeLinks;
}

export interface FaultControlDeps {
  readonly roster: Roster;
  readonly defaults: LinkConditions;
  report(event: HostEvent): void;
  start(process: NodeProcess): NetworkResult<void>;
}

/** Kills, restarts, bad links and partitions; remembered here, so that a restarted node has them too. */
export function createFaultControl(deps: FaultControlDeps): FaultControl {
  const { roster, defaults } = deps;
  /** By receiver, then sender. */
  const rules = new Map<NodeId, Map<NodeId, LinkConditions>>();
  let groups: readonly (readonly NodeId[])[] = [];

  const linksOf = (nodeId: NodeId): NodeLinks => ({
    defaults,
    rules: [...(rules.get(nodeId) ?? [])],
    reachable: reachableFrom(nodeId, groups, roster),
  });
  const tellLinks = (): NetworkResult<void> =>
    roster.tellAll(({ nodeId, control }) =>
      control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setLinks', linksOf(nodeId)),
    );

  const kill: NetworkFaults['kill'] = async (nodeId) => {
    const found = roster.find(nodeId);
    if (!found.ok) {
      return found;
    }
    const state = found.value.state();
    if (state !== 'running' && state !== 'starting') {
      return err(networkError('NODE_NOT_RUNNING', `The node is ${state}.`));
    }
    found.value.kill('killed');
    return ok(undefined);
  };
  const restart: NetworkFaults['restart'] = async (nodeId) => {
    const found = roster.find(nodeId);
    if (!found.ok) {
      return found;
    }
    const state = found.value.state();
    if (state === 'running' || state === 'starting') {
      return err(networkError('NODE_ALREADY_RUNNING', `The node is ${state}.`));
    }
    return deps.start(found.value);
  };
  const setLink: NetworkFaults['setLink'] = async (from, to, conditions) => {
    const parsed = linkChange(roster, from, to, conditions, defaults);
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
    deps.report({ kind: 'linkChanged', from, to, conditions: parsed.value });
    return tellLinks();
  };
  const partition: NetworkFaults['partition'] = async (next) => {
    const checked = checkGroups(roster, next);
    if (!checked.ok) {
      return checked;
    }
    groups = next;
    deps.report({ kind: 'partitionChanged', groups });
    return tellLinks();
  };
  const heal: NetworkFaults['heal'] = async () => {
    for (const [to, ofReceiver] of rules) {
      for (const from of ofReceiver.keys()) {
        deps.report({ kind: 'linkChanged', from, to, conditions: defaults });
      }
    }
    rules.clear();
    groups = [];
    deps.report({ kind: 'partitionChanged', groups });
    return tellLinks();
  };
  return { port: { kill, restart, setLink, partition, heal }, linksOf };
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
  conditions: Partial<LinkConditions> | null,
  defaults: LinkConditions,
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
  const parsed = parseLinkConditions({ ...defaults, ...conditions });
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
