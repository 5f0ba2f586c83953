import { err, ok, type Result } from '../../base/result.ts';
import { COMPUTE_CAPACITY_PERCENT } from '../limits/execution.ts';
import type { CanisterSettings, CanisterState } from '../replicated-state/canister-state.ts';
import type { Cycles } from '../types/ids.ts';
import { customSectionBytes, freezingThreshold, usedBytes } from './cycles-account-manager.ts';
import { memoryRules } from './memory-rules.ts';
import type { RoundState } from './round-state.ts';
import { allocatedBytes, reservationFor } from './storage-price.ts';
import { ErrorCode, help, userError, type UserError } from './user-error.ts';

/**
 * Whether a canister may have the compute and memory that its settings ask for, or that an
 * installation took, and what it sets aside for it.
 * @upstream rs/execution_environment/src/canister_settings.rs#validate_canister_settings, install_code.rs
 */

type Allocations = Pick<
  CanisterSettings,
  'computeAllocation' | 'memoryAllocationBytes' | 'freezingThresholdSeconds' | 'reservedCyclesLimit'
>;

const NO_ROOM_ADVICE = 'Try moving to another subnet.';
const CYCLES_ADVICE = 'Top up the canister with more cycles.';
const RESERVE_ADVICE =
  "Try increasing this canister's reserved cycles limit or moving it to a subnet with lower memory usage.";

/**
 * Checks new settings of a canister. Errs with 101, 530, 531, 533 or 540.
 * @param canister as it is; a new one with default settings
 * @returns cycles to set aside with `RoundState.reserve` when the settings are applied
 */
export function checkAllocations(
  round: RoundState,
  canister: CanisterState,
  change: Partial<Allocations>,
): Result<Cycles, UserError> {
  const settings: CanisterSettings = { ...canister.settings, ...change };
  const memory = checkMemory(round, canister, settings);
  if (!memory.ok) {
    return memory;
  }
  const refusal =
    checkCompute(round, canister, change.computeAllocation) ??
    checkThreshold(round, canister, settings);
  return refusal === undefined
    ? checkReservation(round, canister, settings, memory.value)
    : err(refusal);
}

/**
 * An allocation below what the canister uses is allowed, and reserves nothing.
 * @returns bytes of the subnet's memory that the settings take on top
 */
function checkMemory(
  round: RoundState,
  canister: CanisterState,
  { memoryAllocationBytes }: CanisterSettings,
): Result<bigint, UserError> {
  const used = usedBytes(canister);
  const before = allocatedBytes(used, canister.settings.memoryAllocationBytes);
  const after = allocatedBytes(used, memoryAllocationBytes);
  return checkSubnetMemory(round, before, after);
}

function checkSubnetMemory(
  round: RoundState,
  before: bigint,
  after: bigint,
): Result<bigint, UserError> {
  const { memoryBytes } = round.room();
  const available = before + (memoryBytes > 0n ? memoryBytes : 0n);
  if (after > available) {
    const advice = help(NO_ROOM_ADVICE, 'subnet-memory-capacity-oversubscribed');
    return userError(
      ErrorCode.subnetOversubscribed,
      `Canister requested ${displayBytes(after)} of memory but only ${displayBytes(available)} are available in the subnet.${advice}`,
    );
  }
  return ok(after > before ? after - before : 0n);
}

function checkCompute(
  round: RoundState,
  canister: CanisterState,
  requested: bigint | undefined,
): UserError | undefined {
  if (requested === undefined) {
    return undefined;
  }
  const own = canister.settings.computeAllocation;
  const others =
    round.summary().computeAllocation - (round.find(canister.canisterId) === undefined ? 0n : own);
  const free = COMPUTE_CAPACITY_PERCENT - others - own - 1n;
  const available = (free > 0n ? free : 0n) + own;
  if (requested <= available) {
    return undefined;
  }
  const advice = help(NO_ROOM_ADVICE, 'subnet-compute-capacity-oversubscribed');
  return {
    code: ErrorCode.subnetOversubscribed,
    message: `Canister requested a compute allocation of ${requested}% which cannot be satisfied because the Subnet's remaining compute capacity is ${available}%.${advice}`,
  };
}

/** Only who asks for more must not freeze by it: freezing a canister by its threshold is allowed. */
function checkThreshold(
  round: RoundState,
  canister: CanisterState,
  settings: CanisterSettings,
): UserError | undefined {
  const missing = freezingThreshold(round.env, { ...canister, settings }) - canister.cycles;
  if (missing <= 0n) {
    return undefined;
  }
  if (settings.computeAllocation > canister.settings.computeAllocation) {
    const advice = help(CYCLES_ADVICE, 'insufficient-cycles-in-compute-allocation');
    return {
      code: ErrorCode.insufficientCyclesInComputeAllocation,
      message: `Cannot increase compute allocation to ${settings.computeAllocation}% due to insufficient cycles. At least ${missing} additional cycles are required.${advice}`,
    };
  }
  return settings.memoryAllocationBytes > canister.settings.memoryAllocationBytes
    ? insufficientForMemory(settings, missing)
    : undefined;
}

function insufficientForMemory(settings: CanisterSettings, missing: Cycles): UserError {
  const advice = help(CYCLES_ADVICE, 'insufficient-cycles-in-memory-allocation');
  return {
    code: ErrorCode.insufficientCyclesInMemoryAllocation,
    message: `Cannot increase memory allocation to ${displayAllocation(settings)} due to insufficient cycles. At least ${missing} additional cycles are required.${advice}`,
  };
}

function checkReservation(
  round: RoundState,
  canister: CanisterState,
  settings: CanisterSettings,
  taken: bigint,
): Result<Cycles, UserError> {
  const { reservedCycles } = canister;
  const limit = settings.reservedCyclesLimit;
  const due = reservationOf(round, canister, taken);
  if (reservedCycles > limit) {
    // The replica gives no address here, only the anchor.
    return userError(
      ErrorCode.reservedCyclesLimitIsTooLow,
      `Cannot set the reserved cycles limit ${limit} below the reserved cycles balance of the canister ${reservedCycles}.\nSet the reserved cycles limit in the canister settings to a value that is at least the current reserved cycles balance. See documentation: reserved-cycles-limit-is-too-low`,
    );
  }
  if (reservedCycles + due > limit) {
    const advice = help(RESERVE_ADVICE, 'reserved-cycles-limit-exceeded-in-memory-allocation');
    return userError(
      ErrorCode.reservedCyclesLimitExceededInMemoryAllocation,
      `Cannot increase memory allocation to ${displayAllocation(settings)} due to its reserved cycles limit. The current limit (${limit}) would be exceeded by ${reservedCycles + due - limit}.${advice}`,
    );
  }
  return canister.cycles < due
    ? err(insufficientForMemory(settings, due - canister.cycles))
    : ok(due);
}

function reservationOf(round: RoundState, canister: CanisterState, taken: bigint): Cycles {
  const { nodeCount, subnet } = memoryRules(round, canister, 'update');
  return reservationFor(nodeCount, subnet, taken);
}

/**
 * After a management call let a canister's memory grow (an installation, a snapshot, a chunk): checks
 * subnet, reserve and freezing threshold, and sets cycles aside. Errs with 101, 532 or 534, and then
 * has changed nothing: the caller undoes the growth.
 * @param before the canister as it was, whose memory the subnet had already given
 */
export function settleMemoryGrowth(
  round: RoundState,
  before: CanisterState,
): Result<null, UserError> {
  const canister = round.canister(before.canisterId);
  const old = allocatedBytes(usedBytes(before), before.settings.memoryAllocationBytes);
  const now = allocatedBytes(usedBytes(canister), canister.settings.memoryAllocationBytes);
  if (now <= old) {
    return ok(null);
  }
  const bytes = now - old;
  // The round has counted the growth already.
  const { memoryBytes } = round.room();
  if (memoryBytes < 0n) {
    const left = memoryBytes + now;
    const advice = help(NO_ROOM_ADVICE, 'subnet-memory-capacity-oversubscribed');
    return userError(
      ErrorCode.subnetOversubscribed,
      `Canister requested ${displayBytes(now)} of memory but only ${displayBytes(left > 0n ? left : 0n)} are available in the subnet.${advice}`,
    );
  }
  return settleCycles(round, canister, bytes);
}

/**
 * Custom sections have a limit of their own on the subnet, which an installation may exceed (101).
 * @param before the canister as it was
 */
export function checkCustomSections(
  round: RoundState,
  before: CanisterState,
): Result<null, UserError> {
  const { execution } = round.canister(before.canisterId);
  const taken = customSectionBytes(execution) - customSectionBytes(before.execution);
  const limit = Number(round.env.limits.customSectionBytes);
  const total = round.summary().customSectionBytes;
  if (taken <= 0 || total <= limit) {
    return ok(null);
  }
  const left = Math.max(limit - (total - taken), 0);
  const advice = help(
    'Try removing custom sections using a tool like `wasm-strip` or moving to another subnet.',
    'subnet-custom-section-memory-capacity-oversubscribed',
  );
  return userError(
    ErrorCode.subnetOversubscribed,
    `Canister requested ${displayBytes(BigInt(taken))} of Wasm custom sections memory but only ${displayBytes(BigInt(left))} are available in the subnet.${advice}`,
  );
}

function settleCycles(
  round: RoundState,
  canister: CanisterState,
  bytes: bigint,
): Result<null, UserError> {
  const { nodeCount, subnet } = memoryRules(round, canister, 'update');
  const usedBytes = subnet.usedBytes - bytes;
  const due = reservationFor(nodeCount, { ...subnet, usedBytes }, bytes);
  const limit = canister.settings.reservedCyclesLimit;
  const requested = canister.reservedCycles + due;
  if (due > 0n && requested > limit) {
    const advice = help(RESERVE_ADVICE, 'reserved-cycles-limit-exceeded-in-memory-grow');
    return userError(
      ErrorCode.reservedCyclesLimitExceededInMemoryGrow,
      `Canister cannot grow memory by ${bytes} bytes due to its reserved cycles limit. The current limit (${limit}) would be exceeded by ${requested - limit}.${advice}`,
    );
  }
  const reserved = { ...canister, cycles: canister.cycles - due, reservedCycles: requested };
  const needed = due + (due > canister.cycles ? 0n : freezingThreshold(round.env, reserved));
  if (canister.cycles < needed) {
    const advice = help(CYCLES_ADVICE, 'insufficient-cycles-in-memory-grow-1');
    return userError(
      ErrorCode.insufficientCyclesInMemoryGrow,
      `Canister cannot grow memory by ${bytes} bytes due to insufficient cycles. At least ${needed - canister.cycles} additional cycles are required.${advice}`,
    );
  }
  round.put(reserved);
  return ok(null);
}

function displayAllocation({ memoryAllocationBytes }: CanisterSettings): string {
  return memoryAllocationBytes === 0n ? 'best-effort' : displayBytes(memoryAllocationBytes);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** As the replica shows amounts of bytes: the largest unit that fits, two decimals above bytes. */
export function displayBytes(bytes: bigint): string {
  let unit = 0;
  let size = 1n;
  while (unit < UNITS.length - 1 && bytes >= size * 1024n) {
    size *= 1024n;
    unit += 1;
  }
  if (unit === 0) {
    return `${bytes} B`;
  }
  const hundredths = (bytes * 100n + size / 2n) / size;
  const decimals = (hundredths % 100n).toString().padStart(2, '0');
  return `${hundredths / 100n}.${decimals} ${UNITS[unit]}`;
}
