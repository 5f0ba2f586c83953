import { executionLimits, type ExecutionLimits } from '../limits/execution.ts';
import type { SubnetGenesis, SubnetSpecialization, SubnetType } from '../types/genesis.ts';
import type { SubnetId } from '../types/ids.ts';

/** Of this software, as `subnet_info` and `/api/v2/status` tell it. */
export const REPLICA_VERSION = 'subnetarium';

/** What execution knows of its subnet; the same on all nodes. */
export interface ExecutionEnvironment {
  readonly subnetId: SubnetId;
  readonly subnetType: SubnetType;
  readonly specialization: SubnetSpecialization;
  readonly nodeCount: number;
  /** DER of the root subnet's public key. */
  readonly rootKeyDer: Uint8Array;
  readonly limits: ExecutionLimits;
  /** Heights from one checkpoint to the next. */
  readonly checkpointInterval: number;
}

export function createExecutionEnvironment(
  genesis: SubnetGenesis,
  rootKeyDer: Uint8Array,
  limits: ExecutionLimits = executionLimits(
    genesis.parameters.subnetType,
    genesis.parameters.executionLimits,
  ),
): ExecutionEnvironment {
  return {
    subnetId: genesis.subnetId,
    subnetType: genesis.parameters.subnetType,
    specialization: genesis.parameters.specialization ?? 'none',
    nodeCount: genesis.nodes.length,
    rootKeyDer,
    limits,
    checkpointInterval: genesis.parameters.dkgIntervalLength + 1,
  };
}
