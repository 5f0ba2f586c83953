import type { LimitsPreset, SubnetType } from '../types/genesis.ts';
import type { Cycles, Instructions } from '../types/ids.ts';

/** Limits and prices of execution; prices are for the 13-node reference subnet. */

const MILLION = 1_000_000n;
const BILLION = 1000n * MILLION;
const MIB = 1024 * 1024;
export const GIB = 1n << 30n;

export interface ExecutionLimits {
  /** Update calls, timers, heartbeats and callbacks. */
  readonly messageInstructions: Instructions;
  /** A message that needs more is paused and goes on in the next round. */
  readonly sliceInstructions: Instructions;
  /** A query. */
  readonly queryInstructions: Instructions;
  /** Installing, reinstalling or upgrading. */
  readonly installInstructions: Instructions;
  /** An installation that needs more is paused and goes on in the next round. */
  readonly installSliceInstructions: Instructions;
  /** Looking at an ingress message before it is taken. */
  readonly inspectInstructions: Instructions;
  /** New messages start on a thread only while it has used less than this in the round. */
  readonly roundInstructions: Instructions;
  /** New management messages start only while they have used less than this in the round. */
  readonly subnetMessageInstructions: Instructions;
  /** Threads that canisters are dealt to; one more than what compute allocations can take. */
  readonly executionThreads: number;
  /** Long executions that stay paused over a round's end; the others begin anew. */
  readonly pausedExecutions: number;
  /** Memory changed after which a thread starts no more messages in one turn. */
  readonly heapDeltaBytesPerTurn: number;
  /** Memory that a canister may change per round in the long run; 0 = any amount. */
  readonly heapDeltaBytesPerRound: number;
  /** Memory that the subnet may change between two checkpoints; it comes free evenly over the interval. */
  readonly heapDeltaBytesPerCheckpoint: number;
  /** The part of it that is free at the start of the interval. */
  readonly heapDeltaBytesAtOnce: number;
  /** Instructions of installing code that a canister may use per round in the long run; 0 = any amount. */
  readonly installInstructionsPerRound: Instructions;
  /** All that canisters of a subnet may use and allocate. */
  readonly subnetMemoryBytes: bigint;
  /** Above this, who takes memory sets cycles aside for it. */
  readonly subnetMemoryThresholdBytes: bigint;
  /** Part of the subnet's memory that only callbacks may take. */
  readonly callbackMemoryBytes: bigint;
  /** Room for guaranteed responses: those that wait and those that may come. */
  readonly guaranteedResponseBytes: bigint;
  /** Best-effort messages that hold more than this at the end of a round are dropped, large ones first. */
  readonly bestEffortBytes: bigint;
  /** Of all custom sections on the subnet. */
  readonly customSectionBytes: bigint;
  /** Canisters of a subnet; more cannot be created. 0 = as many as there are ids. */
  readonly maxCanisters: number;
}

const GIB_BYTES = 1024 * MIB;

/** @upstream rs/config/src/subnet_config.rs */
export const MAINNET_EXECUTION_LIMITS: ExecutionLimits = Object.freeze({
  messageInstructions: 40n * BILLION,
  sliceInstructions: 2n * BILLION,
  queryInstructions: 5n * BILLION,
  installInstructions: 300n * BILLION,
  installSliceInstructions: 2n * BILLION,
  inspectInstructions: 200n * MILLION,
  roundInstructions: 7n * BILLION - 5n * BILLION + 1n,
  subnetMessageInstructions: (7n * BILLION) / 16n,
  executionThreads: 4,
  pausedExecutions: 4,
  heapDeltaBytesPerTurn: 200_000_000,
  heapDeltaBytesPerRound: 75 * MIB,
  heapDeltaBytesPerCheckpoint: 140 * GIB_BYTES,
  heapDeltaBytesAtOnce: 32 * GIB_BYTES,
  installInstructionsPerRound: 2n * BILLION,
  subnetMemoryBytes: 1024n * GIB,
  subnetMemoryThresholdBytes: 450n * GIB,
  callbackMemoryBytes: 10n * GIB,
  guaranteedResponseBytes: 15n * GIB,
  bestEffortBytes: 5n * GIB,
  customSectionBytes: 2n * GIB,
  maxCanisters: 120_000,
});

/** Where canisters of the system run. @upstream rs/config/src/subnet_config.rs */
export const MAINNET_SYSTEM_EXECUTION_LIMITS: ExecutionLimits = Object.freeze({
  ...MAINNET_EXECUTION_LIMITS,
  messageInstructions: 50n * BILLION,
  queryInstructions: 50n * BILLION,
  installInstructions: 1000n * BILLION,
  installSliceInstructions: 5n * BILLION,
  roundInstructions: 52n * BILLION - 50n * BILLION + 1n,
  subnetMessageInstructions: (52n * BILLION) / 16n,
  heapDeltaBytesPerTurn: 2_000_000_000,
  heapDeltaBytesAtOnce: 140 * GIB_BYTES,
  heapDeltaBytesPerRound: 0,
  installInstructionsPerRound: 0n,
  maxCanisters: 0,
});

/** @playground Slices are short, so that a round of a tab takes no longer than a block. */
export const CLASSROOM_EXECUTION_LIMITS: ExecutionLimits = Object.freeze({
  ...MAINNET_EXECUTION_LIMITS,
  sliceInstructions: 200n * MILLION,
  queryInstructions: BILLION,
  installSliceInstructions: 400n * MILLION,
  roundInstructions: 200n * MILLION + 1n,
  subnetMessageInstructions: 200n * MILLION,
  executionThreads: 2,
  pausedExecutions: 2,
  heapDeltaBytesPerTurn: 64 * MIB,
  heapDeltaBytesPerCheckpoint: 8 * GIB_BYTES,
  heapDeltaBytesAtOnce: 2 * GIB_BYTES,
  subnetMemoryBytes: 8n * GIB,
  subnetMemoryThresholdBytes: 4n * GIB,
  callbackMemoryBytes: GIB / 4n,
  guaranteedResponseBytes: 15n * GIB,
  bestEffortBytes: GIB / 8n,
  maxCanisters: 60_000,
});

/** @playground As on application subnets: the tab is the same. */
export const CLASSROOM_SYSTEM_EXECUTION_LIMITS: ExecutionLimits = Object.freeze({
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 50n * BILLION,
  installInstructions: 1000n * BILLION,
  heapDeltaBytesAtOnce: 8 * GIB_BYTES,
  heapDeltaBytesPerRound: 0,
  installInstructionsPerRound: 0n,
});

/** The limits of a subnet. */
export function executionLimits(
  subnetType: SubnetType,
  preset: LimitsPreset = 'classroom',
): ExecutionLimits {
  const isSystem = subnetType === 'system';
  if (preset === 'mainnet') {
    return isSystem ? MAINNET_SYSTEM_EXECUTION_LIMITS : MAINNET_EXECUTION_LIMITS;
  }
  return isSystem ? CLASSROOM_SYSTEM_EXECUTION_LIMITS : CLASSROOM_EXECUTION_LIMITS;
}

/** Instructions charged to a round for each canister that ran in it. @upstream rs/config#INSTRUCTION_OVERHEAD_PER_CANISTER */
export const INSTRUCTION_OVERHEAD_PER_CANISTER: Instructions = 8n * MILLION;
/** Instructions charged to a turn for each canister of the subnet. @upstream rs/config#INSTRUCTION_OVERHEAD_PER_CANISTER_FOR_FINALIZATION */
export const INSTRUCTION_OVERHEAD_PER_CANISTER_FOR_FINALIZATION: Instructions = 12_000n;
/** A message aborted at a checkpoint after half an interval goes on with slices so many times as long. @playground never needed: 20 slices fit into 500 rounds */
export const SLICE_GROWTH = 4n;
/** Units of priority in one percent of a thread's round. @upstream rs/execution_environment/src/scheduler/round_schedule.rs#MULTIPLIER */
export const PRIORITY_UNITS_PER_PERCENT = 1_000_000;
/** Rounds of a thread that a canister may be ahead of what it used. @upstream rs/execution_environment/src/scheduler/round_schedule.rs#AP_ROUNDS_MAX */
export const MAX_PRIORITY_ROUNDS = 5;
/** Instructions charged to the round for each message. @upstream rs/config#INSTRUCTION_OVERHEAD_PER_EXECUTION */
export const INSTRUCTION_OVERHEAD_PER_MESSAGE: Instructions = 2n * MILLION;

/** Charged to an installation for each instruction of its module. @upstream rs/config/src/embedders.rs#cost_to_compile_wasm_instruction */
export const COMPILE_COST_PER_WASM_INSTRUCTION: Instructions = 6000n;

/** Node count that the prices below are stated for. @upstream rs/config/src/subnet_config.rs */
export const REFERENCE_SUBNET_SIZE = 13n;
/** For each update, reply or system task that runs. @upstream rs/config/src/subnet_config.rs */
export const UPDATE_EXECUTION_BASE_FEE: Cycles = 5n * MILLION;
/** For each instruction. @upstream rs/config/src/subnet_config.rs */
export const INSTRUCTION_FEE: Cycles = 1n;
/** For each ingress message. @upstream rs/config/src/subnet_config.rs */
export const INGRESS_BASE_FEE: Cycles = 1_200_000n;
/** For each byte of an ingress message. @upstream rs/config/src/subnet_config.rs */
export const INGRESS_BYTE_FEE: Cycles = 2000n;
/** A call to another canister, its response included. @upstream rs/config/src/subnet_config.rs */
export const CALL_BASE_FEE: Cycles = 260_000n;
/** For each byte of a call or of its response. @upstream rs/config/src/subnet_config.rs */
export const CALL_BYTE_FEE: Cycles = 1000n;
/** For making a canister. @upstream rs/config/src/subnet_config.rs */
export const CREATE_CANISTER_FEE: Cycles = 500n * BILLION;
/** For each node of an HTTP outcall. @upstream rs/config/src/subnet_config.rs#http_request_linear_baseline_fee */
export const HTTP_REQUEST_BASE_FEE: Cycles = 3n * MILLION;
/** For each node of an HTTP outcall and each node that it talks to. @upstream rs/config/src/subnet_config.rs#http_request_quadratic_baseline_fee */
export const HTTP_REQUEST_NODE_FEE: Cycles = 60_000n;
/** For each byte of an HTTP request and each node. @upstream rs/config/src/subnet_config.rs#http_request_per_byte_fee */
export const HTTP_REQUEST_BYTE_FEE: Cycles = 400n;
/** For each byte that an HTTP response may have and each node. @upstream rs/config/src/subnet_config.rs#http_response_per_byte_fee */
export const HTTP_RESPONSE_BYTE_FEE: Cycles = 800n;
/** For memory that is used or allocated. @upstream rs/config/src/subnet_config.rs */
export const STORAGE_FEE_PER_GIB_SECOND: Cycles = 127_000n;
/** For compute allocation. @upstream rs/config/src/subnet_config.rs */
export const COMPUTE_FEE_PER_PERCENT_SECOND: Cycles = 10n * MILLION;
/** Percent of compute that canisters of a subnet may allocate together, one percent always left free. @upstream rs/config: 4 threads, one of them for everybody */
export const COMPUTE_CAPACITY_PERCENT = 300n;
/** Storage taken of a full subnet is paid for this long ahead; of one at the threshold not at all. @upstream rs/config/src/subnet_config.rs#max_storage_reservation_period */
export const STORAGE_RESERVATION_SECONDS = 300_000_000n;
/** Storage and compute are charged once this much batch time has passed. @upstream rs/cycles_account_manager#duration_between_allocation_charges */
export const CHARGE_INTERVAL_NS = 10n * BILLION;

/** Of a canister made by `provisional_create_canister_with_cycles` without an amount. @upstream rs/config/src/execution_environment.rs */
export const DEFAULT_PROVISIONAL_CYCLES: Cycles = 100_000n * BILLION;
/** A canister freezes when its cycles would not last longer than this. @upstream rs/config/src/execution_environment.rs */
export const DEFAULT_FREEZING_THRESHOLD_SECONDS = 30n * 24n * 3600n;
/** Heap above which updates fail, unless the settings say otherwise. @upstream rs/config/src/execution_environment.rs */
export const DEFAULT_WASM_MEMORY_LIMIT_BYTES = 3n * GIB;
/** Cycles that may be set aside for storage, unless the settings say otherwise. @upstream rs/config/src/execution_environment.rs */
export const DEFAULT_RESERVED_CYCLES_LIMIT: Cycles = 5000n * BILLION;
/** Controllers of a canister. @upstream interface specification, IC method create_canister */
export const MAX_CONTROLLERS = 10;
/** Environment variables of a canister. @upstream interface specification, canister settings */
export const MAX_ENVIRONMENT_VARIABLES = 20;
/** Bytes of the name, and of the value, of an environment variable. @upstream interface specification, canister settings */
export const MAX_ENVIRONMENT_VARIABLE_BYTES = 128;
/** Changes a canister's history keeps. @upstream interface specification, IC method canister_info */
export const MAX_CANISTER_HISTORY = 20;
/** Bytes of log a canister keeps. @upstream interface specification, IC method fetch_canister_logs */
export const MAX_CANISTER_LOG_BYTES = 4 * 1024;
/** Bytes of certified data. @upstream interface specification, certified data */
export const MAX_CERTIFIED_DATA_BYTES = 32;
/** Bytes of a reject's text; longer ones are cut. @upstream rs/types/types */
export const MAX_REJECT_MESSAGE_BYTES = 8 * 1024;
/** Argument and method name of a call within the subnet. @upstream rs/config/src/execution_environment.rs */
export const MAX_CALL_PAYLOAD_BYTES = 10 * MIB;
/** A reply, or a reject's text. @upstream rs/types/types#MAX_INTER_CANISTER_PAYLOAD_IN_BYTES */
export const MAX_RESPONSE_PAYLOAD_BYTES = 2 * MIB;
/** A reply to a query. @upstream rs/system_api#MAX_NON_REPLICATED_QUERY_REPLY_SIZE */
export const MAX_QUERY_REPLY_BYTES = 3 * MIB;
/** Percent of a callback's instructions kept for its cleanup. @upstream rs/execution_environment#RESERVED_CLEANUP_INSTRUCTIONS_IN_PERCENT */
export const CLEANUP_RESERVE_PERCENT = 5n;
/** Bytes of a module, unpacked. @upstream rs/config/src/embedders.rs */
export const MAX_WASM_MODULE_BYTES = 100 * MIB;
/** Bytes of the text of a trap; longer ones are cut. @upstream rs/embedders/src/wasmtime_embedder/system_api.rs */
export const MAX_TRAP_BYTES = 16 * 1024;
