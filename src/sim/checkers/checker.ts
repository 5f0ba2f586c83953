import type { TraceEvent } from '../../protocol/interfaces/trace.ts';
import type { Packet } from '../../protocol/p2p/packet.ts';
import type { NodeId } from '../../protocol/types/ids.ts';

export type Rule =
  | 'oneFinalizedBlock'
  | 'equalRoots'
  | 'cyclesConserved'
  | 'cyclesInTransit'
  | 'streamsAdvance'
  | 'oneAnswer'
  | 'certifiedMonotone'
  | 'timeMonotone'
  | 'beaconChain'
  | 'ingressOnce'
  | 'noContradiction'
  | 'noFalseAccusation'
  | 'persistedFirst'
  | 'noCriticalError';

/** One rule of the protocol. It hears of honest nodes only and answers with what broke the rule. */
export interface Checker {
  readonly rule: Rule;
  fact?(nodeId: NodeId, event: TraceEvent): string | undefined;
  /** What a node put on the wire. */
  packet?(from: NodeId, packet: Packet): string | undefined;
  /** The node starts again: what it reported before may be reported once more. */
  restarted?(nodeId: NodeId): void;
  /** The node lies from now on. */
  distrusted?(nodeId: NodeId): void;
  /** The node lost its disk: it cannot know any more what it signed. */
  wiped?(nodeId: NodeId): void;
}

/** Heights that are remembered for comparison; older ones are forgotten. */
const KEPT_HEIGHTS = 10_000;

/** Remembers the first value of each height; answers with it where another one comes. */
export function createFirstValues(): (height: number, value: string) => string | undefined {
  const values = new Map<number, string>();
  return (height, value) => {
    const first = values.get(height);
    if (first === undefined) {
      values.set(height, value);
      values.delete(height - KEPT_HEIGHTS);
    }
    return first === value ? undefined : first;
  };
}
