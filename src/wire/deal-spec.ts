import type { NetworkDealSpec } from '../protocol/registry/deal-network.ts';
import { type NetworkSpec, PACE_SETTINGS } from './network-spec.ts';

/** What the dealer of a network's keys is told, the same by both hosts. */
export function dealSpecOf(spec: NetworkSpec, genesisTimeNs: bigint): NetworkDealSpec {
  const pace = PACE_SETTINGS[spec.pace];
  return {
    seed: spec.seed,
    subnets: spec.subnets,
    timing: { ...pace, dkgIntervalLength: spec.dkgIntervalLength ?? pace.dkgIntervalLength },
    limits: spec.limits,
    genesisTimeNs,
  };
}
