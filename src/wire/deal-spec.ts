import type { DelayBudget } from '../protocol/interfaces/replica.ts';
import type { NetworkDealSpec } from '../protocol/registry/deal-network.ts';
import { type NetworkSpec, PACE_SETTINGS, type Pace } from './network-spec.ts';

/** The delays of a pace, with the spec's own where it is the spec's pace. */
export function delaysOf(
  spec: Pick<NetworkSpec, 'pace' | 'initialNotaryDelayMs'>,
  pace: Pace,
): DelayBudget {
  const { unitDelayMs, initialNotaryDelayMs } = PACE_SETTINGS[pace];
  const own = pace === spec.pace ? spec.initialNotaryDelayMs : null;
  return { unitDelayMs, initialNotaryDelayMs: own ?? initialNotaryDelayMs };
}

/** What the dealer of a network's keys is told, the same by both hosts. */
export function dealSpecOf(spec: NetworkSpec, genesisTimeNs: bigint): NetworkDealSpec {
  const pace = PACE_SETTINGS[spec.pace];
  return {
    seed: spec.seed,
    subnets: spec.subnets,
    timing: {
      ...delaysOf(spec, spec.pace),
      dkgIntervalLength: spec.dkgIntervalLength ?? pace.dkgIntervalLength,
    },
    limits: spec.limits,
    genesisTimeNs,
  };
}
