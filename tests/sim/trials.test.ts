import { describe, expect, it } from 'vitest';
import { faultsOfTrial, runTrial } from '../../src/sim/scenario.ts';
import type { TrialOutcome } from '../../src/sim/scenario.ts';

const SEEDS = 200;
const SEEDS_PER_TEST = 20;
function describeFaults(outcomes: readonly TrialOutcome[]): readonly string[] {
  return outcomes.flatMap((outcome) =>
    faultsOfTrial(outcome).map(
      (fault) => `seed ${outcome.seed}, ${outcome.faulty} faulty: ${fault}`,
    ),
  );
}

describe('a subnet of four nodes under faults', () => {
  const groups = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, i) => 1 + i * SEEDS_PER_TEST);

  it.each(groups)(
    'is safe; live with 1, still with 2 faulty; recovers (20 seeds from %i)',
    (first) => {
      const outcomes = Array.from({ length: SEEDS_PER_TEST }, (_, i) => {
        const seed = first + i;
        return runTrial({ seed: String(seed), nodes: 4, faulty: 1 + (seed % 2) });
      });
      expect(describeFaults(outcomes)).toEqual([]);
      // A trial that did nothing would pass everything above.
      const live = outcomes.filter((outcome) => outcome.faulty === 1);
      expect(live.every((outcome) => outcome.finalizedUnderFaults >= 2)).toBe(true);
    },
    120_000,
  );
});

describe('subnets of other sizes', () => {
  it.each([
    [1, 0],
    [7, 2],
    [7, 3],
    [10, 3],
  ])(
    'of %i nodes with %i faulty',
    (nodes, faulty) => {
      const outcomes = ['a', 'b'].map((seed) => runTrial({ seed, nodes, faulty }));
      expect(describeFaults(outcomes)).toEqual([]);
    },
    120_000,
  );
});

describe('a simulation', () => {
  it.each([
    ['1', 4, 1],
    ['2', 4, 2],
    ['3', 7, 2],
  ])(
    'gives the same trace twice (seed %s, %i nodes, %i faulty)',
    (seed, nodes, faulty) => {
      const config = { seed, nodes, faulty };
      const first = runTrial(config);
      expect(runTrial(config)).toEqual(first);
      expect(runTrial({ ...config, seed: `${seed}'` }).traceHash).not.toBe(first.traceHash);
    },
    60_000,
  );
});

describe('the judgement of a trial', () => {
  const good: TrialOutcome = {
    seed: 's',
    nodes: 4,
    faulty: 1,
    violations: [],
    finalizedUnderFaults: 5,
    unhealed: null,
    traceHash: '',
  };

  it('finds stalls, progress without a quorum, broken rules and lasting damage', () => {
    expect(faultsOfTrial(good)).toEqual([]);
    expect(faultsOfTrial({ ...good, finalizedUnderFaults: 0 })).toHaveLength(1);
    expect(faultsOfTrial({ ...good, faulty: 2 })).toHaveLength(1);
    expect(faultsOfTrial({ ...good, violations: ['equalRoots: …'] })).toHaveLength(1);
    expect(faultsOfTrial({ ...good, unhealed: 'height 3' })).toHaveLength(1);
  });
});
