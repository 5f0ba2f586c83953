import { createPrng } from '../src/base/prng.ts';
import { createNobleBls } from '../src/protocol/crypto/bls-noble.ts';
import { ed25519Backend } from '../src/protocol/crypto/ed25519.ts';
import type { BlsSuite, CryptoSuite } from '../src/protocol/crypto/suite.ts';
import { createFeldmanScheme } from '../src/protocol/dkg/feldman/feldman.ts';
import {
  createDkgFixture,
  dealBy,
  type DkgFixture,
  freshConfig,
  resharingConfig,
} from '../src/protocol/dkg/feldman/testing/dkg-fixture.ts';
import type { DkgConfig } from '../src/protocol/types/dkg.ts';
import type { NodeId } from '../src/protocol/types/ids.ts';
import { createMclBls } from '../src/workers/crypto/bls-mcl.ts';

/** What one node computes for one transcript, timed. Runs in a worker of the browser or in Node. */
export interface DkgRun {
  readonly n: number;
  readonly backend: string;
  /** low = a fresh key, high = the old key dealt anew. */
  readonly tag: 'low' | 'high';
  readonly createMsPerDealing: number;
  readonly verifyMsPerDealing: number;
  readonly openMsPerShare: number;
  readonly combineMs: number;
  readonly cpuMsPerTranscriptPerNode: number;
}

const BACKENDS: Readonly<Record<string, () => Promise<BlsSuite>>> = {
  noble: () => Promise.resolve(createNobleBls()),
  mcl: createMclBls,
};
/** The engine compiles the hot paths in the first. */
const WARM_UP_ROUNDS = 1;

interface Totals {
  readonly createMs: number;
  readonly verifyMs: number;
  readonly openMs: number;
  readonly combineMs: number;
}

/** Milliseconds since some moment. */
export type Stopwatch = () => number;

function timed<T>(nowMs: Stopwatch, work: () => T): { readonly value: T; readonly ms: number } {
  const startedMs = nowMs();
  const value = work();
  return { value, ms: nowMs() - startedMs };
}

function suiteOf(bls: BlsSuite): CryptoSuite {
  return { name: 'bls12-381', bls, basic: ed25519Backend };
}

/** One transcript: everybody deals, one node with empty caches does a node's work. */
function runOnce(
  fixture: DkgFixture,
  config: DkgConfig,
  receiver: CryptoSuite,
  nowMs: Stopwatch,
): Totals {
  const { records, secrets, members } = fixture;
  const old = config.resharing === null ? undefined : fixture.genesisKey;
  const create = timed(nowMs, () => members.map((dealer) => dealBy(fixture, config, dealer, old)));
  const dealings = create.value;
  const scheme = createFeldmanScheme(receiver);
  const verify = timed(nowMs, () => {
    for (const dealing of dealings) {
      if (!scheme.verifyDealing(config, records, dealing).ok) {
        throw new RangeError('an honest dealing is refused');
      }
    }
  });
  const selected = dealings.slice(0, config.collectionThreshold);
  const secret = secrets.get(members[0] as NodeId);
  const shares = new Map<NodeId, Uint8Array>();
  const open = timed(nowMs, () => {
    for (const dealing of selected) {
      const opening =
        secret === undefined
          ? undefined
          : scheme.openShare(config, records, dealing, secret, createPrng('open'));
      if (opening?.kind !== 'good') {
        throw new RangeError('an honest piece is bad');
      }
      shares.set(dealing.dealer, opening.share);
    }
  });
  const combine = timed(nowMs, () => [
    scheme.combineDealings(config, selected),
    scheme.combineShares(config, selected, shares),
  ]);
  if (combine.value.some((result) => !result.ok)) {
    throw new RangeError('the dealings make no key');
  }
  return {
    createMs: create.ms / dealings.length,
    verifyMs: verify.ms / dealings.length,
    openMs: open.ms / selected.length,
    combineMs: combine.ms,
  };
}

/** @param backend `noble` or `mcl`. */
export async function measureDkg(
  n: number,
  backend: string,
  rounds: number,
  nowMs: Stopwatch = () => performance.now(),
): Promise<readonly DkgRun[]> {
  const create = BACKENDS[backend];
  if (create === undefined) {
    throw new RangeError(`there is no backend ${backend}`);
  }
  const fixture = createDkgFixture(n, suiteOf(await create()));
  const high = fixture.genesisKey.transcript;
  const runs: DkgRun[] = [];
  for (const tag of ['low', 'high'] as const) {
    const timings: Totals[] = [];
    let collected = 0;
    for (let i = 0; i < WARM_UP_ROUNDS + rounds; i += 1) {
      const height = 20 * (i + 1);
      const config =
        tag === 'low'
          ? freshConfig(fixture, height)
          : resharingConfig(high, fixture.members, height);
      collected = config.collectionThreshold;
      const totals = runOnce(fixture, config, suiteOf(await create()), nowMs);
      if (i >= WARM_UP_ROUNDS) {
        timings.push(totals);
      }
    }
    // The least disturbed round: a worker can't ask for processor time, and others use the machine.
    const least = (key: keyof Totals) => Math.min(...timings.map((timing) => timing[key]));
    const best = {
      createMs: least('createMs'),
      verifyMs: least('verifyMs'),
      openMs: least('openMs'),
      combineMs: least('combineMs'),
    };
    const round = (ms: number) => Math.round(ms * 100) / 100;
    runs.push({
      n,
      backend,
      tag,
      createMsPerDealing: round(best.createMs),
      verifyMsPerDealing: round(best.verifyMs),
      openMsPerShare: round(best.openMs),
      combineMs: round(best.combineMs),
      cpuMsPerTranscriptPerNode: round(
        best.createMs + (n - 1) * best.verifyMs + collected * best.openMs + best.combineMs,
      ),
    });
  }
  return runs;
}
