import type { HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';

type Violation = HostEvent & { readonly kind: 'safetyViolated' };

/** Heights remembered; nodes are never further apart than a catch-up interval. */
const KEPT_HEIGHTS = 2_000;

/**
 * Watches what all nodes of one subnet report and says when the protocol's promises are broken: two finalized
 * blocks at one height, different state roots at one height, a certified height that falls.
 */
export function createSafetyWatch(onViolation: (violation: Violation) => void) {
  const finalized = new Map<number, string>();
  const roots = new Map<number, string>();
  const certified = new Map<string, number>();
  /** Nodes that break rules at the user's word: what they report proves nothing. */
  const malicious = new Set<string>();

  const expectSame = (
    known: Map<number, string>,
    height: number,
    value: string,
    rule: string,
  ): void => {
    const first = known.get(height);
    if (first === undefined) {
      known.set(height, value);
      const oldest = known.size > KEPT_HEIGHTS ? known.keys().next().value : undefined;
      if (oldest !== undefined) {
        known.delete(oldest);
      }
    } else if (first !== value) {
      const message = `height ${height} has ${first.slice(0, 8)}… and ${value.slice(0, 8)}…`;
      onViolation({ kind: 'safetyViolated', rule, message });
    }
  };

  return {
    observe: (batch: TelemetryBatch): void => {
      for (const event of batch.events) {
        if (event.kind === 'nodeBehavioursChanged' && event.behaviours.length > 0) {
          malicious.add(event.nodeId);
        } else if (malicious.has(batch.from)) {
          continue;
        } else if (event.kind === 'finalized') {
          expectSame(finalized, event.height, event.hash, 'one finalized block per height');
        } else if (event.kind === 'executed') {
          expectSame(roots, event.height, event.root, 'equal state roots per height');
        } else if (event.kind === 'certified') {
          const before = certified.get(batch.from) ?? 0;
          certified.set(batch.from, event.height);
          if (event.height < before) {
            const message = `a node went from certified height ${before} to ${event.height}`;
            onViolation({ kind: 'safetyViolated', rule: 'certified heights never fall', message });
          }
        }
      }
    },
    /** A restarted node counts again from what it had stored. */
    forget: (nodeId: string): void => {
      certified.delete(nodeId);
    },
  };
}
