import { encodeUtf8 } from '../../base/utf8.ts';
import { createNobleBls } from '../../protocol/crypto/bls-noble.ts';
import type { BlsSuite } from '../../protocol/crypto/suite.ts';
import type { BackendTimes } from '../../wire/network.ts';
import { loadWorkingMclBls, SELF_TEST_VECTOR } from './choose-suite.ts';

/** Rounds after the warm-up; the shortest counts, since whatever else runs only makes them longer. */
const MAX_ROUNDS = 5;
/** A library that needs longer for its rounds gets no further one. */
const BUDGET_MS = 40;

export interface MeasureDeps {
  stopwatchMs(): number;
  /** Undefined where mcl does not run. */
  loadMcl?(): Promise<BlsSuite | undefined>;
}

/**
 * Times both libraries at what nodes do most: signing a message and checking a signature with a
 * known key. Takes a few tens of milliseconds each.
 */
export async function measureBackends({
  stopwatchMs,
  loadMcl = loadWorkingMclBls,
}: MeasureDeps): Promise<BackendTimes> {
  const mcl = await loadMcl();
  return {
    mclMs: mcl === undefined ? null : timeOf(mcl, stopwatchMs),
    nobleMs: timeOf(createNobleBls(), stopwatchMs),
  };
}

function timeOf(bls: BlsSuite, stopwatchMs: () => number): number {
  const { secretKey, publicKey } = SELF_TEST_VECTOR;
  const startedMs = stopwatchMs();
  let bestMs = Number.POSITIVE_INFINITY;
  // Round 0 warms the engine up and fills the cache of the key. Its time only bounds the others.
  for (let round = 0; round <= MAX_ROUNDS; round += 1) {
    const message = encodeUtf8(`measurement ${String(round)}`);
    const beganMs = stopwatchMs();
    bls.verify(publicKey, message, bls.sign(secretKey, message));
    const endedMs = stopwatchMs();
    bestMs = round === 0 ? bestMs : Math.min(bestMs, endedMs - beganMs);
    if (round > 0 && endedMs - startedMs > BUDGET_MS) {
      break;
    }
  }
  return Math.round(bestMs * 100) / 100;
}
