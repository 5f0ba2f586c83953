import type { Checker } from './checker.ts';
import { createFirstValues } from './checker.ts';

/** No two nodes finalize different blocks of one height. */
export function oneFinalizedBlock(): Checker {
  const firstAt = createFirstValues();
  return {
    rule: 'oneFinalizedBlock',
    fact(_nodeId, event) {
      const other = event.kind === 'finalized' ? firstAt(event.height, event.hash) : undefined;
      return event.kind === 'finalized' && other !== undefined
        ? `two finalized blocks at height ${event.height}: ${other} and ${event.hash}`
        : undefined;
    },
  };
}
