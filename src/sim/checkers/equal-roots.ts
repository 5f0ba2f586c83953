import type { Checker } from './checker.ts';
import { createFirstValues } from './checker.ts';

/** All nodes compute, and certify, one and the same state at a height. */
export function equalRoots(): Checker {
  const firstAt = createFirstValues();
  return {
    rule: 'equalRoots',
    fact(nodeId, event) {
      if (event.kind !== 'executed' && event.kind !== 'certified') {
        return undefined;
      }
      const { kind, height, root } = event;
      const other = firstAt(height, root);
      return other === undefined
        ? undefined
        : `node ${nodeId} ${kind} ${root} at height ${height}, another one has ${other}`;
    },
  };
}
