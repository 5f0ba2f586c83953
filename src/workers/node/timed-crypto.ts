import type { NodeCrypto, NodeDkg } from '../../protocol/interfaces/crypto.ts';

export interface TimedCrypto {
  readonly crypto: NodeCrypto;
  /** Wall milliseconds spent in signing, checking, combining and dealing keys since the start. */
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
  const dkg: NodeDkg = {
    scheme: crypto.dkg.scheme,
    deal: timed(crypto.dkg.deal),
    verifyDealing: timed(crypto.dkg.verifyDealing),
    openShare: timed(crypto.dkg.openShare),
    verifyComplaint: timed(crypto.dkg.verifyComplaint),
    combineDealings: timed(crypto.dkg.combineDealings),
    combineShares: timed(crypto.dkg.combineShares),
  };
  const timeBound = (bound: NodeCrypto): NodeCrypto => ({
    ...bound,
    dkg,
    signBasic: timed(bound.signBasic),
    verifyBasic: timed(bound.verifyBasic),
    signMulti: timed(bound.signMulti),
    verifyMultiShare: timed(bound.verifyMultiShare),
    combineMulti: timed(bound.combineMulti),
    verifyMulti: timed(bound.verifyMulti),
    signThreshold: timed(bound.signThreshold),
    verifyThresholdShare: timed(bound.verifyThresholdShare),
    combineThreshold: timed(bound.combineThreshold),
    verifyThreshold: timed(bound.verifyThreshold),
    verifySubnetSignature: timed(bound.verifySubnetSignature),
    bind: (transcripts) => timeBound(bound.bind(transcripts)),
  });
  return { crypto: timeBound(crypto), elapsedMs: () => elapsedMs };
}
