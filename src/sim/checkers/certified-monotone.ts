import type { Height, NodeId } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

/** Certified heights of a node only grow. */
export function certifiedMonotone(): Checker {
  const last = new Map<NodeId, Height>();
  return {
    rule: 'certifiedMonotone',
    fact(nodeId, event) {
      if (event.kind !== 'certified') {
        return undefined;
      }
      const before = last.get(nodeId) ?? 0;
      last.set(nodeId, event.height);
      return event.height > before
        ? undefined
        : `node ${nodeId} certified height ${event.height} after ${before}`;
    },
    restarted(nodeId) {
      last.delete(nodeId);
    },
  };
}
