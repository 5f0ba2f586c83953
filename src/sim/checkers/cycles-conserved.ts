import type { Checker } from './checker.ts';

/** After every round, all cycles that were ever created are held, under way or consumed. */
export function cyclesConserved(): Checker {
  return {
    rule: 'cyclesConserved',
    fact(nodeId, event) {
      if (event.kind !== 'executed') {
        return undefined;
      }
      const { created, held, inFlight, consumed } = event.cycles;
      const found = held + inFlight + consumed;
      return found === created
        ? undefined
        : `node ${nodeId} counts ${found} cycles at height ${event.height} (${held} held, ${inFlight} in flight, ${consumed} consumed), and ${created} were created`;
    },
  };
}
