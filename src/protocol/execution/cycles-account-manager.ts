import { principalToText } from '../crypto/principal.ts';
import {
  INGRESS_BASE_FEE,
  INGRESS_BYTE_FEE,
  INSTRUCTION_FEE,
  UPDATE_EXECUTION_BASE_FEE,
} from '../limits/execution.ts';
import { WASM_PAGE_BYTES, type CallPrices } from '../interfaces/wasm-host.ts';
import type { CanisterState, ExecutionState } from '../replicated-state/canister-state.ts';
import type { Cycles, Instructions } from '../types/ids.ts';
import { chunkStoreBytes } from '../replicated-state/chunk-store.ts';
import { snapshotBytes } from '../replicated-state/snapshots.ts';
import { createCanisterPrice } from './service-fees.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { totalMessageBytes } from './message-memory.ts';
import { burnPerDay, freezingLimit, scaledPrice, totalBurn, type Idling } from './storage-price.ts';
import { ErrorCode, type UserError } from './user-error.ts';

/** Prices. @upstream rs/cycles_account_manager/src/lib.rs */

/** Nodes that prices are scaled with: none on system subnets, where nothing is charged. */
export function chargedNodes(env: ExecutionEnvironment): number {
  return env.subnetType === 'system' ? 0 : env.nodeCount;
}

function scaled(env: ExecutionEnvironment, fee: Cycles): Cycles {
  return scaledPrice(chargedNodes(env), fee);
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
  return scaled(env, UPDATE_EXECUTION_BASE_FEE + instructionFee(memory64) * instructions);
}

/** What comes back of a message's prepaid fee for instructions it did not use. */
export function executionRefund(
  env: ExecutionEnvironment,
  unused: Instructions,
  memory64: boolean,
): Cycles {
  return scaled(env, instructionFee(memory64) * unused);
}

function instructionFee(memory64: boolean): Cycles {
  return memory64 ? 2n * INSTRUCTION_FEE : INSTRUCTION_FEE;
}

/** What a call to another canister is paid by; `memory64` of the caller, whose callback will run. */
export function callPrices(env: ExecutionEnvironment, memory64: boolean): CallPrices {
  return {
    nodeCount: chargedNodes(env),
    executionPrepayment: executionFee(env, env.limits.messageInstructions, memory64),
  };
}

export function createCanisterFee(env: ExecutionEnvironment): Cycles {
  return createCanisterPrice({ nodeCount: chargedNodes(env) });
}

export interface MemoryUsage {
  readonly heapBytes: bigint;
  readonly stableBytes: bigint;
  readonly globalBytes: bigint;
  readonly wasmBytes: bigint;
  readonly customSectionBytes: bigint;
  readonly historyBytes: bigint;
  readonly chunkStoreBytes: bigint;
  readonly snapshotBytes: bigint;
  readonly totalBytes: bigint;
}

const GLOBAL_BYTES = 8n;
/** Rounded size of one history entry with its controllers. */
const HISTORY_ENTRY_BYTES = 128n;

/**
 * All that a canister stores. Asked for many times in each message: plain numbers, which hold it
 * exactly, and no parts.
 */
export function usedBytes({ execution, changes, chunkStore, snapshots }: CanisterState): bigint {
  let bytes = Number(HISTORY_ENTRY_BYTES) * changes.length;
  if (execution !== null) {
    bytes += (execution.heapWasmPages + execution.stableWasmPages) * WASM_PAGE_BYTES;
    bytes += Number(GLOBAL_BYTES) * execution.globals.length + execution.wasm.length;
    bytes += customSectionBytes(execution);
  }
  let total = BigInt(bytes) + chunkStoreBytes(chunkStore);
  for (const snapshot of snapshots) {
    total += snapshotBytes(snapshot);
  }
  return total;
}

export function customSectionBytes(execution: ExecutionState | null): number {
  let bytes = 0;
  for (const { content, name } of execution?.customSections ?? []) {
    bytes += content.length + name.length;
  }
  return bytes;
}

/** The same by kinds. */
export function memoryUsage(canister: CanisterState): MemoryUsage {
  const execution = canister.execution;
  const parts = execution === null ? EMPTY_USAGE : executionUsage(execution);
  const historyBytes = HISTORY_ENTRY_BYTES * BigInt(canister.changes.length);
  const chunkBytes = chunkStoreBytes(canister.chunkStore);
  let snapshots = 0n;
  for (const snapshot of canister.snapshots) {
    snapshots += snapshotBytes(snapshot);
  }
  return {
    ...parts,
    historyBytes,
    chunkStoreBytes: chunkBytes,
    snapshotBytes: snapshots,
    totalBytes: usedBytes(canister),
  };
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
): Omit<MemoryUsage, 'historyBytes' | 'chunkStoreBytes' | 'snapshotBytes' | 'totalBytes'> {
  return {
    heapBytes: BigInt(execution.heapWasmPages) * BigInt(WASM_PAGE_BYTES),
    stableBytes: BigInt(execution.stableWasmPages) * BigInt(WASM_PAGE_BYTES),
    globalBytes: BigInt(execution.globals.length) * GLOBAL_BYTES,
    wasmBytes: BigInt(execution.wasm.length),
    customSectionBytes: BigInt(customSectionBytes(execution)),
  };
}

/** What the idle costs of a canister follow from. */
export function idlingOf(env: ExecutionEnvironment, canister: CanisterState): Idling {
  const { settings, reservedCycles } = canister;
  return {
    nodeCount: chargedNodes(env),
    usedBytes: usedBytes(canister),
    messageBytes: totalMessageBytes(canister),
    allocationBytes: settings.memoryAllocationBytes,
    computeAllocation: settings.computeAllocation,
    freezingThresholdSeconds: settings.freezingThresholdSeconds,
    reservedCycles,
  };
}

export function idleCostPerDay(env: ExecutionEnvironment, canister: CanisterState): Cycles {
  return totalBurn(burnPerDay(idlingOf(env, canister)));
}

/** The balance below which a canister is frozen. */
export function freezingThreshold(env: ExecutionEnvironment, canister: CanisterState): Cycles {
  return freezingLimit(idlingOf(env, canister));
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
