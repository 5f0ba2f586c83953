import type { DelayBudget } from '../interfaces/replica.ts';
import type { SubnetGenesis } from '../types/genesis.ts';

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
