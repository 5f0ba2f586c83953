import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import { decodePacket } from '../protocol/p2p/packet-codec.ts';
import type { Height, NodeId } from '../protocol/types/ids.ts';
import { beaconChain } from './checkers/beacon-chain.ts';
import { certifiedMonotone } from './checkers/certified-monotone.ts';
import type { Checker, Rule } from './checkers/checker.ts';
import { cyclesConserved } from './checkers/cycles-conserved.ts';
import { equalRoots } from './checkers/equal-roots.ts';
import { ingressOnce } from './checkers/ingress-once.ts';
import { noContradiction } from './checkers/no-contradiction.ts';
import { noFalseAccusation } from './checkers/no-false-accusation.ts';
import { persistedFirst } from './checkers/persisted-first.ts';
import { noCriticalError } from './checkers/no-critical-error.ts';
import { oneFinalizedBlock } from './checkers/one-finalized-block.ts';
import { timeMonotone } from './checkers/time-monotone.ts';

/** A rule of the protocol that a run broke. */
export interface Violation {
  readonly rule: Rule;
  readonly message: string;
}

/** Watches everything that honest nodes report and send. */
export interface Checkers {
  observe(nodeId: NodeId, event: TraceEvent): Violation | undefined;
  /** What a node put on the wire; only hosts that can afford to read it twice ask for this. */
  packet(from: NodeId, bytes: Uint8Array): Violation | undefined;
  restarted(nodeId: NodeId): void;
  wiped(nodeId: NodeId): void;
  /** From now on the node's words count for nothing. */
  distrust(nodeId: NodeId): void;
  /** Where a message was executed; undefined = nowhere yet. */
  executedAt(messageId: string): Height | undefined;
  readonly violations: readonly Violation[];
}

/**
 * @param isStored what is on a node's disk; without it, what nodes send is not compared with it
 * @param shared checkers that hear of other subnets too
 */
export function createCheckers(
  isStored?: (nodeId: NodeId, key: string) => boolean,
  shared: readonly Checker[] = [],
): Checkers {
  const ingress = ingressOnce();
  const checkers: readonly Checker[] = [
    oneFinalizedBlock(),
    equalRoots(),
    cyclesConserved(),
    certifiedMonotone(),
    timeMonotone(),
    beaconChain(),
    ingress,
    noContradiction(),
    noFalseAccusation(),
    ...(isStored === undefined ? [] : [persistedFirst(isStored)]),
    noCriticalError(),
    ...shared,
  ];
  const violations: Violation[] = [];
  const distrusted = new Set<NodeId>();

  const ask = (
    nodeId: NodeId,
    question: (checker: Checker) => string | undefined,
  ): Violation | undefined => {
    if (distrusted.has(nodeId)) {
      return undefined;
    }
    for (const checker of checkers) {
      const message = question(checker);
      if (message !== undefined) {
        const violation = { rule: checker.rule, message };
        violations.push(violation);
        return violation;
      }
    }
    return undefined;
  };

  return {
    observe: (nodeId, event) => ask(nodeId, (checker) => checker.fact?.(nodeId, event)),
    packet(from, bytes) {
      const decoded = decodePacket(bytes);
      return decoded.ok ? ask(from, (checker) => checker.packet?.(from, decoded.value)) : undefined;
    },
    restarted(nodeId) {
      for (const checker of checkers) {
        checker.restarted?.(nodeId);
      }
    },
    wiped(nodeId) {
      for (const checker of checkers) {
        checker.wiped?.(nodeId);
      }
    },
    distrust(nodeId) {
      distrusted.add(nodeId);
      for (const checker of checkers) {
        checker.distrusted?.(nodeId);
      }
    },
    executedAt: ingress.heightOf,
    violations,
  };
}
