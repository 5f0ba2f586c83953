import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { ActiveIntervals, Interval } from './active-intervals.ts';

/** The node's crypto with the threshold keys in force at each height. */
export function createHeightCrypto(crypto: NodeCrypto, intervals: ActiveIntervals): NodeCrypto {
  const bound = new WeakMap<Interval, NodeCrypto>();
  const at: NodeCrypto['at'] = (height) => {
    const interval = intervals.at(height);
    if (interval === undefined) {
      return keyless;
    }
    let known = bound.get(interval);
    if (known === undefined) {
      const { low, high } = interval.transcripts;
      known = { ...crypto.bind({ low: low.key, high: high.key }), at };
      bound.set(interval, known);
    }
    return known;
  };
  const keyless: NodeCrypto = {
    ...crypto,
    at,
    hasThresholdKeys: false,
    signThreshold: () => undefined,
    verifyThresholdShare: () => false,
    combineThreshold: () => ({ kind: 'liars', liars: [] }),
    verifyThreshold: () => false,
    thresholdOf: () => Number.MAX_SAFE_INTEGER,
  };
  return { ...crypto, at };
}
