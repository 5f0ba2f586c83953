import { principalToText } from '../crypto/principal.ts';
import {
  COMPUTE_FEE_PER_PERCENT_SECOND,
  CREATE_CANISTER_FEE,
  GIB,
  INGRESS_BASE_FEE,
  INGRESS_BYTE_FEE,
  INSTRUCTION_FEE,
  REFERENCE_SUBNET_SIZE,
  STORAGE_FEE_PER_GIB_SECOND,
  UPDATE_EXECUTION_BASE_FEE,
} from '../limits/execution.ts';
import { NS_PER_SECOND } from '../limits/messaging.ts';
import { WASM_PAGE_BYTES, type CallPrices } from '../interfaces/wasm-host.ts';
import type { CanisterState, ExecutionState } from '../replicated-state/canister-state.ts';
import type { Cycles, Instructions, TimeNs } from '../types/ids.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { ErrorCode, type UserError } from './user-error.ts';

/** Prices. @upstream rs/cycles_account_manager/src/lib.rs */

const SECONDS_PER_DAY = 86_400n;

/** A price stated for 13 nodes, for this subnet's size; nothing on system subnets. */
function scaled(env: ExecutionEnvironment, fee: Cycles): Cycles {
  return env.subnetType === 'system' ? 0n : (fee * BigInt(env.nodeCount)) / REFERENCE_SUBNET_SIZE;
}

/** Fee to induct a call; `payloadBytes` = argument, method name and nonce. */
export function ingressInductionFee(env: ExecutionEnvironment, payloadBytes: number): Cycles {
  return scaled(env, INGRESS_BASE_FEE + INGRESS_BYTE_FEE * BigInt(payloadBytes));
}

/** Fee of one message's execution; 64-bit modules pay double for instructions. */
export function executionFee(
  env: ExecutionEnvironment,
  instructions: Instructions,
  memory64: boolean,
): Cycles {
  const perInstruction = memory64 ? 2n * INSTRUCTION_FEE : INSTRUCTION_FEE;
  return scaled(env, UPDATE_EXECUTION_BASE_FEE + perInstruction * instructions);
}

/** What a call to another canister is paid by; `memory64` of the caller, whose callback will run. */
export function callPrices(env: ExecutionEnvironment, memory64: boolean): CallPrices {
  return {
    nodeCount: env.subnetType === 'system' ? 0 : env.nodeCount,
    executionPrepayment: executionFee(env, env.limits.messageInstructions, memory64),
  };
}

export function createCanisterFee(env: ExecutionEnvironment): Cycles {
  return scaled(env, CREATE_CANISTER_FEE);
}

export interface MemoryUsage {
  readonly heapBytes: bigint;
  readonly stableBytes: bigint;
  readonly globalBytes: bigint;
  readonly wasmBytes: bigint;
  readonly customSectionBytes: bigint;
  readonly historyBytes: bigint;
  readonly totalBytes: bigint;
}

const GLOBAL_BYTES = 8n;
/** Rounded size of one history entry with its controllers. */
const HISTORY_ENTRY_BYTES = 128n;

export function memoryUsage(canister: CanisterState): MemoryUsage {
  const execution = canister.execution;
  const parts = execution === null ? EMPTY_USAGE : executionUsage(execution);
  const historyBytes = HISTORY_ENTRY_BYTES * BigInt(canister.changes.length);
  const totalBytes =
    parts.heapBytes +
    parts.stableBytes +
    parts.globalBytes +
    parts.wasmBytes +
    parts.customSectionBytes +
    historyBytes;
  return { ...parts, historyBytes, totalBytes };
}

const EMPTY_USAGE = {
  heapBytes: 0n,
  stableBytes: 0n,
  globalBytes: 0n,
  wasmBytes: 0n,
  customSectionBytes: 0n,
} as const;

function executionUsage(
  execution: ExecutionState,
): Omit<MemoryUsage, 'historyBytes' | 'totalBytes'> {
  let customSectionBytes = 0n;
  for (const section of execution.customSections) {
    customSectionBytes += BigInt(section.content.length + section.name.length);
  }
  return {
    heapBytes: BigInt(execution.heapWasmPages) * BigInt(WASM_PAGE_BYTES),
    stableBytes: BigInt(execution.stableWasmPages) * BigInt(WASM_PAGE_BYTES),
    globalBytes: BigInt(execution.globals.length) * GLOBAL_BYTES,
    wasmBytes: BigInt(execution.wasm.length),
    customSectionBytes,
  };
}

/** Cycles that storage and compute allocation burn in a time span. */
export function idleCost(
  env: ExecutionEnvironment,
  canister: CanisterState,
  spanNs: TimeNs,
): Cycles {
  const used = memoryUsage(canister).totalBytes;
  const allocated = canister.settings.memoryAllocationBytes;
  const bytes = used > allocated ? used : allocated;
  const perSecond =
    (STORAGE_FEE_PER_GIB_SECOND * bytes * 1000n) / GIB +
    COMPUTE_FEE_PER_PERCENT_SECOND * canister.settings.computeAllocation * 1000n;
  return scaled(env, (perSecond * spanNs) / (NS_PER_SECOND * 1000n));
}

export function idleCostPerDay(env: ExecutionEnvironment, canister: CanisterState): Cycles {
  return idleCost(env, canister, SECONDS_PER_DAY * NS_PER_SECOND);
}

/** The balance below which a canister is frozen. */
export function freezingThreshold(env: ExecutionEnvironment, canister: CanisterState): Cycles {
  return idleCost(env, canister, canister.settings.freezingThresholdSeconds * NS_PER_SECOND);
}

/**
 * Whether `cost` can be paid with the freezing threshold kept.
 * @param revealTopUp only controllers are told how much is missing
 */
export function checkAffordable(
  env: ExecutionEnvironment,
  canister: CanisterState,
  cost: Cycles,
  revealTopUp: boolean,
): UserError | undefined {
  const needed = freezingThreshold(env, canister) + cost;
  if (canister.cycles >= needed) {
    return undefined;
  }
  const start = `Canister ${principalToText(canister.canisterId)} is out of cycles`;
  const message = revealTopUp
    ? `${start}: please top up the canister with at least ${needed - canister.cycles} additional cycles`
    : start;
  return { code: ErrorCode.canisterOutOfCycles, message };
}
