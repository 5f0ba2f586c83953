import type { Checker } from './checker.ts';

/** After every round, all cycles that were ever created or received are held, under way, consumed or sent. */
export function cyclesConserved(): Checker {
  return {
    rule: 'cyclesConserved',
    fact(nodeId, event) {
      if (event.kind !== 'executed') {
        return undefined;
      }
      const { created, held, inFlight, consumed, sent, received } = event.cycles;
      const found = held + inFlight + consumed + sent - received;
      return found === created
        ? undefined
        : `node ${nodeId} counts ${found} cycles at height ${event.height} (${held} held, ${inFlight} in flight, ${consumed} consumed, ${sent} sent, ${received} received), and ${created} were created`;
    },
  };
}
