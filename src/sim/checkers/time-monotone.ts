import type { Height, NodeId } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

/** A node executes heights in order, and the time that canisters see only grows. */
export function timeMonotone(): Checker {
  const last = new Map<NodeId, { readonly height: Height; readonly timeNs: bigint }>();
  return {
    rule: 'timeMonotone',
    fact(nodeId, event) {
      if (event.kind !== 'executed') {
        return undefined;
      }
      const { height, timeNs } = event;
      const before = last.get(nodeId);
      last.set(nodeId, { height, timeNs });
      return before === undefined || (height > before.height && timeNs > before.timeNs)
        ? undefined
        : `node ${nodeId} executed height ${height} at ${timeNs} after ${before.height} at ${before.timeNs}`;
    },
    restarted(nodeId) {
      last.delete(nodeId);
    },
  };
}
