import type { Checker } from './checker.ts';

/** No honest node runs into what its own code calls impossible. */
export function noCriticalError(): Checker {
  return {
    rule: 'noCriticalError',
    fact: (nodeId, event) =>
      event.kind === 'criticalError' ? `node ${nodeId}: ${event.code} ${event.message}` : undefined,
  };
}
