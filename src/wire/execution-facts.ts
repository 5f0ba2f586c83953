import type { LimitsPreset } from '../protocol/types/genesis.ts';

/** Limits of execution that the page tells of a canister; a test compares them with the core's. */
export interface ExecutionFacts {
  readonly messageInstructions: bigint;
  readonly sliceInstructions: bigint;
  readonly queryInstructions: bigint;
  readonly installInstructions: bigint;
  readonly subnetMemoryBytes: bigint;
  readonly executionThreads: number;
}

/** Of application subnets, by the preset that a network's spec names. */
export const EXECUTION_FACTS: Readonly<Record<LimitsPreset, ExecutionFacts>> = {
  mainnet: {
    messageInstructions: 40_000_000_000n,
    sliceInstructions: 2_000_000_000n,
    queryInstructions: 5_000_000_000n,
    installInstructions: 300_000_000_000n,
    subnetMemoryBytes: 1024n << 30n,
    executionThreads: 4,
  },
  classroom: {
    messageInstructions: 40_000_000_000n,
    sliceInstructions: 200_000_000n,
    queryInstructions: 1_000_000_000n,
    installInstructions: 300_000_000_000n,
    subnetMemoryBytes: 8n << 30n,
    executionThreads: 2,
  },
};
