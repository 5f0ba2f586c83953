import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import type { HashHex, Height, NodeId } from '../protocol/types/ids.ts';

/** A rule of the protocol that a run broke. */
export interface Violation {
  readonly rule:
    | 'oneFinalizedBlock'
    | 'equalRoots'
    | 'certifiedMonotone'
    | 'certifiedRoot'
    | 'timeMonotone'
    | 'noCriticalError';
  readonly message: string;
}

/** Watches the traces of all honest nodes. */
export interface Checkers {
  observe(nodeId: NodeId, event: TraceEvent): Violation | undefined;
  /** The node starts again: what it reported before may be reported once more, from a lower height. */
  restarted(nodeId: NodeId): void;
  readonly violations: readonly Violation[];
  /** Heights at which at least one node finalized a block. */
  readonly finalizedHeights: number;
}

interface Progress {
  certified: Height;
  executed: Height;
  timeNs: bigint;
}

/** @param keep heights that are remembered for comparison; older ones are forgotten */
export function createCheckers(keep = 10_000): Checkers {
  const finalized = new Map<Height, HashHex>();
  const roots = new Map<Height, HashHex>();
  const progress = new Map<NodeId, Progress>();
  const violations: Violation[] = [];
  let finalizedHeights = 0;

  const report = (rule: Violation['rule'], message: string): Violation => {
    const violation = { rule, message };
    violations.push(violation);
    return violation;
  };

  /** The first report of a height is the yardstick of all others. */
  const agree = (
    known: Map<Height, HashHex>,
    height: Height,
    hash: HashHex,
    rule: Violation['rule'],
    what: string,
  ): Violation | undefined => {
    const first = known.get(height);
    if (first === undefined) {
      known.set(height, hash);
      known.delete(height - keep);
      return undefined;
    }
    return first === hash
      ? undefined
      : report(rule, `${what} at height ${height}: ${first} and ${hash}`);
  };

  const progressOf = (nodeId: NodeId): Progress => {
    const known = progress.get(nodeId) ?? { certified: 0, executed: 0, timeNs: 0n };
    progress.set(nodeId, known);
    return known;
  };

  const executed = (nodeId: NodeId, height: Height, timeNs: bigint): Violation | undefined => {
    const node = progressOf(nodeId);
    const ordered = height > node.executed && timeNs > node.timeNs;
    node.executed = height;
    node.timeNs = timeNs;
    return ordered
      ? undefined
      : report(
          'timeMonotone',
          `node ${nodeId} executed height ${height} at ${timeNs} out of order`,
        );
  };

  const observe = (nodeId: NodeId, event: TraceEvent): Violation | undefined => {
    switch (event.kind) {
      case 'finalized':
        finalizedHeights += finalized.has(event.height) ? 0 : 1;
        return agree(
          finalized,
          event.height,
          event.hash,
          'oneFinalizedBlock',
          'two finalized blocks',
        );
      case 'executed':
        return (
          agree(roots, event.height, event.root, 'equalRoots', 'two state roots') ??
          executed(nodeId, event.height, event.timeNs)
        );
      case 'certified': {
        const node = progressOf(nodeId);
        if (event.height <= node.certified) {
          return report(
            'certifiedMonotone',
            `node ${nodeId} certified ${event.height} after ${node.certified}`,
          );
        }
        node.certified = event.height;
        return agree(roots, event.height, event.root, 'certifiedRoot', 'certified another root');
      }
      case 'criticalError':
        return report('noCriticalError', `node ${nodeId}: ${event.code} ${event.message}`);
      default:
        return undefined;
    }
  };

  return {
    observe,
    restarted(nodeId) {
      progress.delete(nodeId);
    },
    violations,
    get finalizedHeights() {
      return finalizedHeights;
    },
  };
}
