import { encodeUtf8 } from '../../base/utf8.ts';
import { createNobleBls } from '../../protocol/crypto/bls-noble.ts';
import type { BlsSuite } from '../../protocol/crypto/suite.ts';
import type { BackendTimes } from '../../wire/network.ts';
import { loadWorkingMclBls, SELF_TEST_VECTOR } from './choose-suite.ts';

/**
 * Rounds after the warm-up. The shortest of each library counts, and the libraries take turns: the
 * browser is busy starting nodes, and whatever else runs only makes a round longer.
 */
const MIN_ROUNDS = 4;
const MAX_ROUNDS = 8;
/** After the least rounds, no further one later than this. */
const BUDGET_MS = 100;

export interface MeasureDeps {
  stopwatchMs(): number;
  /** Undefined where mcl does not run. */
  loadMcl?(): Promise<BlsSuite | undefined>;
}

/**
 * Times both libraries at what nodes do most: signing a message and checking a signature with a
 * known key. Takes about a tenth of a second.
 */
export async function measureBackends({
  stopwatchMs,
  loadMcl = loadWorkingMclBls,
}: MeasureDeps): Promise<BackendTimes> {
  const mcl = await loadMcl();
  const noble = createNobleBls();
  const startedMs = stopwatchMs();
  let mclMs = Number.POSITIVE_INFINITY;
  let nobleMs = Number.POSITIVE_INFINITY;
  // Round 0 warms the engines up and fills the caches of keys.
  for (let round = 0; round <= MAX_ROUNDS; round += 1) {
    const mclRoundMs = mcl === undefined ? 0 : timeOf(mcl, round, stopwatchMs);
    const nobleRoundMs = timeOf(noble, round, stopwatchMs);
    if (round > 0) {
      mclMs = Math.min(mclMs, mclRoundMs);
      nobleMs = Math.min(nobleMs, nobleRoundMs);
    }
    if (round >= MIN_ROUNDS && stopwatchMs() - startedMs > BUDGET_MS) {
      break;
    }
  }
  return { mclMs: mcl === undefined ? null : hundredths(mclMs), nobleMs: hundredths(nobleMs) };
}

function timeOf(bls: BlsSuite, round: number, stopwatchMs: () => number): number {
  const { secretKey, publicKey } = SELF_TEST_VECTOR;
  const message = encodeUtf8(`measurement ${String(round)}`);
  const beganMs = stopwatchMs();
  bls.verify(publicKey, message, bls.sign(secretKey, message));
  return stopwatchMs() - beganMs;
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
