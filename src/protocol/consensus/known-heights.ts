import type { PoolReader } from '../artifact-pool/artifact-pool.ts';
import type { ActiveIntervals } from '../dkg/active-intervals.ts';
import { nextSummaryHeight } from '../dkg/summary.ts';
import type { Height } from '../types/ids.ts';
import type { BouncerHeights } from './bouncer.ts';
import type { ConsensusDeps } from './consensus-interface.ts';
import type { PoolView } from './pool-view.ts';

interface Sources {
  readonly artifacts: PoolReader;
  readonly view: PoolView;
  readonly intervals: ActiveIntervals;
  readonly state: ConsensusDeps['stateReader'];
}

/** With what they were derived from, beside themselves. */
interface Derived extends BouncerHeights {
  readonly version: number;
  readonly summaryHeight: Height | undefined;
}

/** How far a node is. Asked about every artifact that peers offer: kept until something it stems from moves. */
export class KnownHeights {
  private readonly sources: Sources;
  private derived: Derived | null = null;

  constructor(sources: Sources) {
    this.sources = sources;
  }

  /** @param expectedBatch the next height to be handed over for execution */
  read(expectedBatch: Height): BouncerHeights {
    const { artifacts, view, intervals, state } = this.sources;
    const { version } = artifacts.validated;
    const certified = state.latestCertifiedHeight();
    const summaryHeight = intervals.newest()?.height;
    const known = this.derived;
    if (
      known !== null &&
      known.version === version &&
      known.certified === certified &&
      known.expectedBatch === expectedBatch &&
      known.summaryHeight === summaryHeight
    ) {
      return known;
    }
    const { block, height } = view.catchUpPackage();
    this.derived = {
      version,
      summaryHeight,
      beacon: view.beaconHeight(),
      notarized: view.notarizedHeight(),
      finalized: view.finalizedHeight(),
      certified,
      catchUpPackage: height,
      nextCatchUpPackage:
        block.payload.kind === 'summary' ? nextSummaryHeight(block.payload.summary) : height,
      expectedBatch,
      dkgStart: summaryHeight ?? height,
    };
    return this.derived;
  }
}
