import { CANISTER_IDS_PER_RANGE } from '../limits/messaging.ts';
import type { BootstrapRegistry } from '../registry/bootstrap-registry.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { Cycles, HashHex, Height, SubnetId, TimeNs } from '../types/ids.ts';
import type { CanisterRequest, SubnetMessage } from './canister-messages.ts';
import type { CanisterState } from './canister-state.ts';
import { NOTHING_CONSUMED, type ConsumedCycles } from './consumed-cycles.ts';
import { emptyIngressHistory, type IngressHistory } from './ingress-history.ts';
import type { NodeMetricsSample } from './node-metrics.ts';
import { NO_QUERY_STATS, type QueryStatsState } from './query-stats-state.ts';
import { RadixMap } from './radix-map.ts';
import { EMPTY_SCHEDULE, type Schedule } from './schedule.ts';
import { NO_OUTBOUND, type Outbound } from './streams.ts';

/** Everything the nodes of a subnet agree on after a height. Never changed in place. */
export interface ReplicatedState extends Outbound {
  readonly height: Height;
  readonly timeNs: TimeNs;
  /** Root of the certified tree of the height before; null at genesis. Set by the state manager. */
  readonly previousRoot: HashHex | null;
  readonly subnetId: SubnetId;
  readonly canisters: RadixMap<CanisterState>;
  readonly ingressHistory: IngressHistory;
  /** Calls of the management canister in order of induction. */
  readonly subnetQueue: readonly SubnetMessage[];
  /** Calls of `raw_rand`: answered in the next round, with randomness nobody knew when they came. */
  readonly randomRequests: readonly CanisterRequest[];
  readonly canisterIds: CanisterIdAllocation;
  /** Of the whole network, on the root subnet of several; else null. */
  readonly registry: BootstrapRegistry | null;
  /** The network at the registry version of the last batch; null = the subnet is alone. */
  readonly topology: NetworkTopology | null;
  readonly schedule: Schedule;
  readonly queryStats: QueryStatsState;
  readonly metrics: SubnetMetrics;
  /** Oldest day first. */
  readonly nodeMetrics: readonly NodeMetricsSample[];
  /** Canisters as of the last checkpoint; it follows from that, and is not written into the next. */
  readonly atCheckpoint: RadixMap<CanisterState>;
}

/** Ids are given out in order from the subnet's ranges. */
export interface CanisterIdAllocation {
  readonly ranges: readonly (readonly [bigint, bigint])[];
  /** Undefined when all ids are taken. */
  readonly next: bigint | undefined;
}

export interface SubnetMetrics {
  readonly updateTransactions: bigint;
  /** All of `consumed`. */
  readonly consumedCycles: Cycles;
  readonly consumed: ConsumedCycles;
  /** That came into being here: given to new canisters and topped up out of nothing. */
  readonly createdCycles: Cycles;
  /** That ever left with messages to other subnets. */
  readonly sentCycles: Cycles;
  /** That ever came with messages of other subnets, or came back because another took a message not. */
  readonly receivedCycles: Cycles;
}

export const NO_METRICS: SubnetMetrics = {
  updateTransactions: 0n,
  consumedCycles: 0n,
  consumed: NOTHING_CONSUMED,
  createdCycles: 0n,
  sentCycles: 0n,
  receivedCycles: 0n,
};

/** The state before the first block: no canisters. */
export function genesisState(
  genesis: SubnetGenesis,
  registry: BootstrapRegistry | null = null,
  topology: NetworkTopology | null = null,
): ReplicatedState {
  return {
    height: 0,
    timeNs: genesis.genesisTimeNs,
    previousRoot: null,
    subnetId: genesis.subnetId,
    canisters: RadixMap.empty(),
    ingressHistory: emptyIngressHistory(),
    subnetQueue: [],
    randomRequests: [],
    ...NO_OUTBOUND,
    canisterIds: { ranges: genesis.canisterRanges, next: genesis.canisterRanges[0]?.[0] },
    registry,
    topology,
    schedule: EMPTY_SCHEDULE,
    queryStats: NO_QUERY_STATS,
    metrics: NO_METRICS,
    nodeMetrics: [],
    atCheckpoint: RadixMap.empty(),
  };
}

export function isHosted(allocation: CanisterIdAllocation, id: bigint): boolean {
  return allocation.ranges.some(([first, last]) => first <= id && id <= last);
}

/** The id behind `id` in the allocation, or undefined when the last range ends with it. */
export function idAfter(allocation: CanisterIdAllocation, id: bigint): bigint | undefined {
  for (const [first, last] of allocation.ranges) {
    if (id < first) {
      return first;
    }
    if (id < last) {
      return id + 1n;
    }
  }
  return undefined;
}

/** The inclusive id range number `index` of a network: 2^20 ids starting at index · 2^20. */
export function canisterRange(index: number): readonly [bigint, bigint] {
  const first = BigInt(index) * CANISTER_IDS_PER_RANGE;
  return [first, first + CANISTER_IDS_PER_RANGE - 1n];
}
