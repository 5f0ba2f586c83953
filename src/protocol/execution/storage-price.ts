import type { MemoryRules, SubnetMemory } from '../interfaces/wasm-host.ts';
import {
  COMPUTE_FEE_PER_PERCENT_SECOND,
  GIB,
  REFERENCE_SUBNET_SIZE,
  STORAGE_FEE_PER_GIB_SECOND,
  STORAGE_RESERVATION_SECONDS,
} from '../limits/execution.ts';
import type { Cycles } from '../types/ids.ts';

/**
 * What a canister pays for existing, and what it sets aside for storage on a subnet that fills up.
 * Computed the same way by execution and by the system API while a message runs.
 * @upstream rs/cycles_account_manager/src/cycles_account_manager.rs
 */

export const SECONDS_PER_DAY = 86_400n;

/** A price stated for 13 nodes; `nodeCount` 0 where nothing is charged. */
export function scaledPrice(nodeCount: number, fee: Cycles): Cycles {
  return (fee * BigInt(nodeCount)) / REFERENCE_SUBNET_SIZE;
}

function storageCost(nodeCount: number, bytes: bigint, seconds: bigint): Cycles {
  return scaledPrice(nodeCount, (bytes * STORAGE_FEE_PER_GIB_SECOND * seconds) / GIB);
}

/** Cycles a day, by what they pay for. */
export interface BurnRate {
  readonly memory: Cycles;
  readonly messages: Cycles;
  readonly compute: Cycles;
}

/** Who idles at what price. */
export type Idling = Pick<
  MemoryRules,
  | 'nodeCount'
  | 'usedBytes'
  | 'allocationBytes'
  | 'messageBytes'
  | 'computeAllocation'
  | 'freezingThresholdSeconds'
  | 'reservedCycles'
>;

export function allocatedBytes(usedBytes: bigint, allocationBytes: bigint): bigint {
  return usedBytes > allocationBytes ? usedBytes : allocationBytes;
}

export function burnPerDay(idling: Idling): BurnRate {
  const { nodeCount, messageBytes, computeAllocation } = idling;
  const bytes = allocatedBytes(idling.usedBytes, idling.allocationBytes);
  return {
    memory: storageCost(nodeCount, bytes, SECONDS_PER_DAY),
    messages: storageCost(nodeCount, messageBytes, SECONDS_PER_DAY),
    compute: scaledPrice(
      nodeCount,
      COMPUTE_FEE_PER_PERCENT_SECOND * computeAllocation * SECONDS_PER_DAY,
    ),
  };
}

export function totalBurn({ memory, messages, compute }: BurnRate): Cycles {
  return memory + messages + compute;
}

/** The balance below which a canister is frozen; what is set aside for storage counts. */
export function freezingLimit(idling: Idling): Cycles {
  const perDay = totalBurn(burnPerDay(idling));
  const limit = (perDay * idling.freezingThresholdSeconds) / SECONDS_PER_DAY;
  return limit > idling.reservedCycles ? limit - idling.reservedCycles : 0n;
}

/** Cycles to set aside for taking so many bytes of the subnet's memory. */
export function reservationFor(
  nodeCount: number,
  { capacityBytes, thresholdBytes, usedBytes }: Omit<SubnetMemory, 'freeBytes'>,
  bytes: bigint,
): Cycles {
  const upTo = (usage: bigint): Cycles => {
    const above = (usage < capacityBytes ? usage : capacityBytes) - thresholdBytes;
    if (above <= 0n || capacityBytes <= thresholdBytes) {
      return 0n;
    }
    // Half of the longest period that is paid ahead at this usage: the area under a rising line.
    const period = (STORAGE_RESERVATION_SECONDS * above) / (capacityBytes - thresholdBytes);
    return storageCost(nodeCount, above, period / 2n);
  };
  return upTo(usedBytes + bytes) - upTo(usedBytes);
}
