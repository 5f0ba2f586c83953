import type { HashHex, Height } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';
import { createFirstValues } from './checker.ts';

/** One random beacon per height, chained to the one below. */
export function beaconChain(): Checker {
  const firstAt = createFirstValues();
  const hashes = new Map<Height, HashHex>();
  return {
    rule: 'beaconChain',
    fact(nodeId, event) {
      if (event.kind !== 'beaconAggregated') {
        return undefined;
      }
      const { height, hash, parent } = event;
      const other = firstAt(height, hash);
      if (other !== undefined) {
        return `two beacons at height ${height}: ${other} and ${hash}`;
      }
      hashes.set(height, hash);
      const below = hashes.get(height - 1);
      return below === undefined || below === parent
        ? undefined
        : `beacon ${height} of node ${nodeId} is chained to ${parent}, below it is ${below}`;
    },
  };
}
