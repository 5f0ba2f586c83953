import type { NodeId } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

/** What honest nodes call proven misbehaviour is never about a node that kept to the rules. */
export function noFalseAccusation(): Checker {
  const suspects = new Set<NodeId>();
  return {
    rule: 'noFalseAccusation',
    fact: (nodeId, event) =>
      event.kind === 'misbehaviourSeen' && event.proven && !suspects.has(event.about)
        ? `node ${nodeId} blames ${event.about} at height ${event.height}: ${event.code}`
        : undefined,
    distrusted(nodeId) {
      suspects.add(nodeId);
    },
    wiped(nodeId) {
      suspects.add(nodeId);
    },
  };
}
