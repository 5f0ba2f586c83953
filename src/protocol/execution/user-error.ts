import { err, type Err } from '../../base/result.ts';
import { decodeUtf8Lossy, encodeUtf8 } from '../../base/utf8.ts';
import { principalToText } from '../crypto/principal.ts';
import type { CanisterError } from '../interfaces/wasm-host.ts';
import { MAX_REJECT_MESSAGE_BYTES } from '../limits/execution.ts';
import type { PrincipalId } from '../types/ids.ts';

/**
 * Errors as users see them: an IC error code and a text. The reject code is the first digit.
 * Texts are the replica's. @upstream rs/types/error_types/src/lib.rs, rs/interfaces/src/execution_environment/errors.rs
 */
export interface UserError {
  /** Without the "IC0" prefix, e.g. 503. */
  readonly code: number;
  readonly message: string;
}

export const ErrorCode = {
  subnetOversubscribed: 101,
  maxNumberOfCanistersReached: 102,
  canisterQueueFull: 201,
  ingressMessageTimeout: 202,
  canisterQueueNotEmpty: 203,
  ingressHistoryFull: 204,
  canisterIdAlreadyExists: 205,
  stopCanisterRequestTimeout: 206,
  canisterOutOfCycles: 207,
  canisterInstallCodeRateLimited: 209,
  canisterHeapDeltaRateLimited: 210,
  canisterNotFound: 301,
  canisterSnapshotNotFound: 305,
  insufficientCyclesForCreateCanister: 403,
  canisterNotHostedBySubnet: 405,
  canisterRejectedMessage: 406,
  unknownManagementMessage: 407,
  invalidManagementPayload: 408,
  canisterSnapshotImmutable: 409,
  invalidSubnetAdmin: 410,
  canisterTrapped: 502,
  canisterCalledTrap: 503,
  canisterContractViolation: 504,
  canisterInvalidWasm: 505,
  canisterDidNotReply: 506,
  canisterOutOfMemory: 507,
  canisterStopped: 508,
  canisterStopping: 509,
  canisterNotStopped: 510,
  canisterStoppingCancelled: 511,
  canisterInvalidController: 512,
  canisterFunctionNotFound: 513,
  canisterNonEmpty: 514,
  insufficientCyclesInCall: 520,
  canisterInstructionLimitExceeded: 522,
  canisterMemoryAccessLimitExceeded: 524,
  queryCallGraphTooDeep: 525,
  queryCallGraphTotalInstructionLimitExceeded: 526,
  compositeQueryCalledInReplicatedMode: 527,
  queryTimeLimitExceeded: 528,
  insufficientCyclesInComputeAllocation: 530,
  insufficientCyclesInMemoryAllocation: 531,
  insufficientCyclesInMemoryGrow: 532,
  reservedCyclesLimitExceededInMemoryAllocation: 533,
  reservedCyclesLimitExceededInMemoryGrow: 534,
  canisterMethodNotFound: 536,
  canisterWasmModuleNotFound: 537,
  canisterAlreadyInstalled: 538,
  canisterWasmMemoryLimitExceeded: 539,
  reservedCyclesLimitIsTooLow: 540,
  canisterStatusAccessDenied: 542,
} as const;

export const RejectCode = {
  sysFatal: 1,
  sysTransient: 2,
  destinationInvalid: 3,
  canisterError: 5,
  sysUnknown: 6,
} as const;

const DOCUMENTATION = 'https://internetcomputer.org/docs/current/references/execution-errors#';

export function userError(code: number, message: string): Err<UserError> {
  return err({ code, message: truncateMessage(message) });
}

/** First digit of the code: 1 SysFatal … 6 SysUnknown. */
export function rejectCodeOf(errorCode: number): number {
  return Math.floor(errorCode / 100);
}

/** "IC0503" for 503. */
export function errorCodeText(errorCode: number): string {
  return `IC${errorCode.toString().padStart(4, '0')}`;
}

/** Suggestion and documentation anchor the replica adds to an error's text. */
export function help(suggestion: string, anchor: string): string {
  return `\n${suggestion} See documentation: ${DOCUMENTATION}${anchor}`;
}

/** What the replica adds to errors that a compiler or development kit is to blame for. */
export const TOOLCHAIN_HELP =
  '\nIf you are running this canister in a test environment (e.g., dfx), make sure the test environment is up to date. Otherwise, this is likely an error with the compiler/CDK toolchain being used to build the canister. Please report the error to IC devs on the forum: https://forum.dfinity.org and include which language/CDK was used to create the canister.';

/** What the replica adds to errors that should not be. */
export const INTERNAL_HELP =
  '\nThis is an internal error on the IC. Please report it to IC devs on the forum: https://forum.dfinity.org';

const TRAP_ADVICE =
  'Consider gracefully handling failures from this canister or altering the canister to handle exceptions.';

/** What the replica adds after an error of execution, by error code. */
const EXECUTION_HELP: ReadonlyMap<number, string> = new Map([
  [ErrorCode.canisterTrapped, help(TRAP_ADVICE, 'trapped')],
  [ErrorCode.canisterCalledTrap, help(TRAP_ADVICE, 'trapped-explicitly')],
  [ErrorCode.canisterFunctionNotFound, TOOLCHAIN_HELP],
  [
    ErrorCode.canisterInstructionLimitExceeded,
    help(
      'Try optimizing this method to consume fewer instructions or split the work across multiple messages.',
      'instruction-limit-exceeded',
    ),
  ],
  [
    ErrorCode.canisterMethodNotFound,
    help(
      'Check that the method being called is exported by the target canister.',
      'method-not-found',
    ),
  ],
  [
    ErrorCode.canisterWasmModuleNotFound,
    help('Please install code to this canister before calling it.', 'wasm-module-not-found'),
  ],
  [
    ErrorCode.canisterOutOfMemory,
    help(
      "Check the canister's memory usage against its allocation and the system wide limits to determine why more memory cannot be allocated.",
      'out-of-memory',
    ),
  ],
  [
    ErrorCode.insufficientCyclesInMemoryGrow,
    help('Try topping up the canister.', 'insufficient-cycles-in-memory-grow'),
  ],
  [
    ErrorCode.reservedCyclesLimitExceededInMemoryGrow,
    help(
      "Try increasing the canister's reserved cycles limit.",
      'reserved-cycles-limit-exceeded-in-memory-grow',
    ),
  ],
  [
    ErrorCode.canisterWasmMemoryLimitExceeded,
    help(
      'Try checking the canister for a possible memory leak or modifying it to use more stable memory instead of Wasm memory.',
      'wasm-memory-limit-exceeded',
    ),
  ],
  [
    ErrorCode.canisterMemoryAccessLimitExceeded,
    help(
      "Try optimizing the use of stable memory so that individual messages don't need to access as much stable memory.",
      'memory-access-limit-exceeded',
    ),
  ],
]);

/** The full user text of an error that a canister's execution raised. */
export function executionError(canisterId: PrincipalId, error: CanisterError): UserError {
  const text = `Error from Canister ${principalToText(canisterId)}: ${error.message}`;
  const advice = error.help ?? EXECUTION_HELP.get(error.code) ?? '';
  if (advice === '') {
    return { code: error.code, message: truncateMessage(text) };
  }
  // The replica ends the description with a dot of its own, whatever it ends with.
  return { code: error.code, message: truncateMessage(`${text}.${advice}`) };
}

export function wasmModuleNotFound(canisterId: PrincipalId): UserError {
  return executionError(canisterId, {
    code: ErrorCode.canisterWasmModuleNotFound,
    message: 'Attempted to execute a message, but the canister contains no Wasm module.',
  });
}

const ELLIPSIS = '...';

function isWithin(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/**
 * A text of at most so many bytes of UTF-8: of a longer one the middle is left out, never a part of a
 * character. @param headPercent of the bytes go to the beginning
 * @upstream rs/utils/src/str.rs#ellipsize
 */
export function ellipsize(text: string, maxBytes: number, headPercent: number): string {
  if (3 * text.length <= maxBytes) {
    return text;
  }
  const bytes = encodeUtf8(text);
  if (bytes.length <= maxBytes) {
    return text;
  }
  const budget = maxBytes - ELLIPSIS.length;
  const head = Math.min(Math.floor((maxBytes * headPercent) / 100), budget);
  let end = head;
  while (end > 0 && isWithin(bytes[end])) {
    end -= 1;
  }
  let start = bytes.length - (budget - head);
  while (start < bytes.length && isWithin(bytes[start])) {
    start += 1;
  }
  return (
    decodeUtf8Lossy(bytes.subarray(0, end)) + ELLIPSIS + decodeUtf8Lossy(bytes.subarray(start))
  );
}

/** An error's text within the 8 KiB that users get: beginning and end in equal parts. */
export function truncateMessage(message: string): string {
  return ellipsize(message, MAX_REJECT_MESSAGE_BYTES, 50);
}

/** The same of a reject that a canister gets: three quarters of it are its beginning. */
export function truncateReject(message: string): string {
  return ellipsize(message, MAX_REJECT_MESSAGE_BYTES, 75);
}
