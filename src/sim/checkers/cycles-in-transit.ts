import type { NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

interface Totals {
  sent: bigint;
  received: bigint;
}

export interface CyclesInTransitChecker extends Checker {
  /** Sent and not yet received: what streams hold. */
  inTransit(): bigint;
}

/**
 * Of all subnets together no more cycles arrive than left: what a subnet takes in was certified by
 * the sender's, so honest nodes there have told of it before.
 * @param subnetOf undefined = a node of no subnet of this network
 */
export function cyclesInTransit(
  subnetOf: (nodeId: NodeId) => SubnetId | undefined,
): CyclesInTransitChecker {
  const totals = new Map<SubnetId, Totals>();
  const inTransit = (): bigint => {
    let transit = 0n;
    for (const total of totals.values()) {
      transit += total.sent - total.received;
    }
    return transit;
  };
  return {
    inTransit,
    rule: 'cyclesInTransit',
    fact(nodeId, event) {
      const subnet = subnetOf(nodeId);
      if (event.kind !== 'executed' || subnet === undefined) {
        return undefined;
      }
      const { sent, received } = event.cycles;
      const known = totals.get(subnet) ?? { sent: 0n, received: 0n };
      known.sent = sent > known.sent ? sent : known.sent;
      known.received = received > known.received ? received : known.received;
      totals.set(subnet, known);
      const transit = inTransit();
      return transit >= 0n
        ? undefined
        : `subnets received ${-transit} cycles that none had sent, node ${nodeId} at height ${event.height}`;
    },
  };
}
