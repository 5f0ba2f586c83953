import { err } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../../protocol/types/malicious.ts';
import { parseMaliciousBehaviours } from '../../wire/malicious.ts';
import type { NetworkFaults } from '../../wire/network.ts';
import type { HostEvent } from '../../wire/telemetry.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

export interface MaliciousControl {
  readonly setMalicious: NetworkFaults['setMalicious'];
  behavioursOf(nodeId: NodeId): readonly MaliciousBehaviour[];
  /** Who is not honest, for who comes later. */
  facts(): readonly HostEvent[];
}

export interface MaliciousControlDeps {
  readonly roster: Roster;
  report(event: HostEvent): void;
}

/** The Byzantine switches of all nodes; remembered here, so that a restarted node is no better. */
export function createMaliciousControl({ roster, report }: MaliciousControlDeps): MaliciousControl {
  const malicious = new Map<NodeId, readonly MaliciousBehaviour[]>();
  const behavioursOf = (nodeId: NodeId): readonly MaliciousBehaviour[] =>
    malicious.get(nodeId) ?? [];
  return {
    behavioursOf,
    setMalicious: async (nodeId, behaviours) => {
      const found = roster.find(nodeId);
      if (!found.ok) {
        return found;
      }
      const nodeIds = roster.all().map((process) => process.nodeId);
      const parsed = parseMaliciousBehaviours(behaviours, nodeIds);
      if (!parsed.ok) {
        return err(networkError('INVALID_ARGUMENT', parsed.error.message));
      }
      if (parsed.value.length === 0) {
        malicious.delete(nodeId);
      } else {
        malicious.set(nodeId, parsed.value);
      }
      report({ kind: 'nodeBehavioursChanged', nodeId, behaviours: parsed.value });
      return roster.tell(nodeId, ({ control }) =>
        control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setMalicious', parsed.value),
      );
    },
    facts: () =>
      [...malicious].map(([nodeId, behaviours]) => ({
        kind: 'nodeBehavioursChanged',
        nodeId,
        behaviours,
      })),
  };
}
