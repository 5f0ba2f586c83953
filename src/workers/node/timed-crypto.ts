import type { NodeCrypto } from '../../protocol/interfaces/crypto.ts';

export interface TimedCrypto {
  readonly crypto: NodeCrypto;
  /** Wall milliseconds spent in signing, checking and combining since the start. */
  elapsedMs(): number;
}

/** The same crypto with a stopwatch around each operation. The core never sees the time. */
export function timeCrypto(crypto: NodeCrypto, stopwatchMs: () => number): TimedCrypto {
  let elapsedMs = 0;
  const timed =
    <Args extends readonly unknown[], Answer>(operation: (...args: Args) => Answer) =>
    (...args: Args): Answer => {
      const startedMs = stopwatchMs();
      try {
        return operation(...args);
      } finally {
        elapsedMs += stopwatchMs() - startedMs;
      }
    };
  return {
    crypto: {
      ...crypto,
      signBasic: timed(crypto.signBasic),
      verifyBasic: timed(crypto.verifyBasic),
      signMulti: timed(crypto.signMulti),
      verifyMultiShare: timed(crypto.verifyMultiShare),
      combineMulti: timed(crypto.combineMulti),
      verifyMulti: timed(crypto.verifyMulti),
      signThreshold: timed(crypto.signThreshold),
      verifyThresholdShare: timed(crypto.verifyThresholdShare),
      combineThreshold: timed(crypto.combineThreshold),
      verifyThreshold: timed(crypto.verifyThreshold),
    },
    elapsedMs: () => elapsedMs,
  };
}
