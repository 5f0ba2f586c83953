import type { Cycles } from '../types/ids.ts';

/** What cycles were consumed for. @upstream rs/types/cycles#CyclesUseCase */
export const CYCLES_USE_CASES = [
  'memory',
  'computeAllocation',
  'ingressInduction',
  'instructions',
  'requestAndResponseTransmission',
  'uninstall',
  'canisterCreation',
  'burnedCycles',
  /** Left on canisters that were deleted; of the subnet only. */
  'deletedCanisters',
  /** In messages that nobody could be given back; of the subnet only. */
  'droppedMessages',
] as const;

export type CyclesUseCase = (typeof CYCLES_USE_CASES)[number];

export type ConsumedCycles = Readonly<Record<CyclesUseCase, Cycles>>;

export const NOTHING_CONSUMED: ConsumedCycles = {
  memory: 0n,
  computeAllocation: 0n,
  ingressInduction: 0n,
  instructions: 0n,
  requestAndResponseTransmission: 0n,
  uninstall: 0n,
  canisterCreation: 0n,
  burnedCycles: 0n,
  deletedCanisters: 0n,
  droppedMessages: 0n,
};

export function withConsumed(
  before: ConsumedCycles,
  useCase: CyclesUseCase,
  amount: Cycles,
): ConsumedCycles {
  return amount === 0n ? before : { ...before, [useCase]: before[useCase] + amount };
}

export function addConsumed(a: ConsumedCycles, b: ConsumedCycles): ConsumedCycles {
  if (a === NOTHING_CONSUMED) {
    return b;
  }
  let sum = a;
  for (const useCase of CYCLES_USE_CASES) {
    sum = withConsumed(sum, useCase, b[useCase]);
  }
  return sum;
}

export function totalConsumed(consumed: ConsumedCycles): Cycles {
  return CYCLES_USE_CASES.reduce((sum, useCase) => sum + consumed[useCase], 0n);
}
