import type { DelayBudget } from '../interfaces/replica.ts';
import { PULL_FIRST_TIMEOUT_MS } from '../p2p/limits.ts';
import type { SubnetGenesis } from '../types/genesis.ts';

const MAINNET_UNIT_DELAY_MS = 1000;
/** Packets take their time at any pace. */
const LEAST_PULL_TIMEOUT_MS = 1000;

/** How long the first peer asked for an artifact may take: 5 s where rounds take as long as on the mainnet. */
export function pullTimeoutMs({ unitDelayMs }: DelayBudget): number {
  const scaled = (PULL_FIRST_TIMEOUT_MS * unitDelayMs) / MAINNET_UNIT_DELAY_MS;
  return Math.ceil(Math.max(LEAST_PULL_TIMEOUT_MS, Math.min(scaled, PULL_FIRST_TIMEOUT_MS)));
}

/** A genesis whose delays follow the network's pace: they are each node's own policy. */
export function withDelays(genesis: SubnetGenesis, current: () => DelayBudget): SubnetGenesis {
  const parameters = {
    ...genesis.parameters,
    get unitDelayMs() {
      return current().unitDelayMs;
    },
    get initialNotaryDelayMs() {
      return current().initialNotaryDelayMs;
    },
  };
  return { ...genesis, parameters };
}
