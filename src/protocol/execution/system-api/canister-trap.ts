import type { CanisterError } from '../../interfaces/wasm-host.ts';
import { help, TOOLCHAIN_HELP } from '../user-error.ts';

/**
 * Ends a canister's run from inside a system call: thrown through the canister's frames and caught
 * by the sandbox, never seen by the core. Messages are the part behind "Error from Canister <id>: ",
 * which execution puts in front. @upstream rs/interfaces/src/execution_environment/errors.rs
 */
export class CanisterTrap extends Error {
  override readonly name = 'CanisterTrap';
  readonly code: number;
  readonly help: string | undefined;
  /** The system call that is the innermost frame of the backtrace, as it is code of the canister on the IC. */
  readonly within: string | undefined;

  /** @param help what the user's text ends with, if not what all errors of the code end with */
  constructor(code: number, message: string, help?: string, within?: string) {
    super(message);
    this.code = code;
    this.help = help;
    this.within = within;
  }

  toError(): CanisterError {
    const { code, message, help: advice } = this;
    return advice === undefined ? { code, message } : { code, message, help: advice };
  }
}

const ERROR_CODE = {
  canisterOutOfMemory: 507,
  insufficientCyclesInMemoryGrow: 532,
  reservedCyclesLimitExceededInMemoryGrow: 534,
  canisterWasmMemoryLimitExceeded: 539,
  trapped: 502,
  calledTrap: 503,
  contractViolation: 504,
  instructionLimitExceeded: 522,
  memoryAccessLimitExceeded: 524,
} as const;

const TRAPPED = 'Canister trapped: ';
const CALLED_TRAP = "Canister called `ic0.trap` with message: '";

/**
 * IC0502; `cause` in the words of the replica's trap codes, e.g. "heap out of bounds".
 * @param within the system call that trapped, where backtraces name it
 */
export function trapped(cause: string, within?: string): CanisterTrap {
  return new CanisterTrap(ERROR_CODE.trapped, `${TRAPPED}${cause}`, undefined, within);
}

/** IC0503. */
export function calledTrap(message: string): CanisterTrap {
  return new CanisterTrap(ERROR_CODE.calledTrap, `${CALLED_TRAP}${message}'`);
}

/** IC0504 that a compiler or development kit is to blame for. */
export function toolchainViolation(violation: string): CanisterTrap {
  return violationOf(violation, TOOLCHAIN_HELP);
}

/**
 * IC0504 that the canister's developer can mend. Without a suggestion the text ends after the
 * violation; a suggestion without an anchor names no page, as on the IC.
 */
export function userViolation(violation: string, suggestion = '', anchor = ''): CanisterTrap {
  if (suggestion === '') {
    return violationOf(violation, '');
  }
  const advice = anchor === '' ? `\n${suggestion} See documentation: ` : help(suggestion, anchor);
  return violationOf(violation, advice);
}

function violationOf(violation: string, advice: string): CanisterTrap {
  const message = `Canister violated contract: ${violation}`;
  return new CanisterTrap(ERROR_CODE.contractViolation, message, advice);
}

/** IC0504 with a text of its own. */
export function invalidPrincipal(): CanisterTrap {
  const message = 'Canister provided invalid principal id';
  return new CanisterTrap(ERROR_CODE.contractViolation, message, TOOLCHAIN_HELP);
}

/** IC0504 without advice: an error that the replica does not word as a violation. */
export function plainViolation(message: string): CanisterTrap {
  return new CanisterTrap(ERROR_CODE.contractViolation, message, '');
}

/** IC0522. */
export function instructionLimitExceeded(limit: bigint): CanisterTrap {
  return new CanisterTrap(
    ERROR_CODE.instructionLimitExceeded,
    `Canister exceeded the limit of ${limit} instructions for single message execution.`,
  );
}

/** IC0524. */
export function memoryAccessLimitExceeded(limit: string): CanisterTrap {
  return new CanisterTrap(
    ERROR_CODE.memoryAccessLimitExceeded,
    `Canister exceeded memory access limits: ${limit}`,
  );
}

/** Whether backtraces belong to an error: traps have them, other errors do not. */
export function hasBacktrace({ code, message }: CanisterError): boolean {
  return (
    (code === ERROR_CODE.trapped && message.startsWith(TRAPPED)) ||
    (code === ERROR_CODE.calledTrap && message.startsWith(CALLED_TRAP))
  );
}

/** The line that a trap leaves in the canister's log. @param error one that has a backtrace */
export function trapLogLine({ code, message }: CanisterError, backtrace: string | null): string {
  const text =
    code === ERROR_CODE.trapped
      ? message.slice(TRAPPED.length)
      : message.slice(CALLED_TRAP.length).replace(/'$/, '');
  return `[TRAP]: ${text === '' ? '(no message)' : text}${backtrace === null ? '' : `\n${backtrace}`}`;
}

/** IC0507. */
export function outOfMemory(): CanisterTrap {
  return new CanisterTrap(ERROR_CODE.canisterOutOfMemory, 'Canister cannot grow its memory usage.');
}

/** IC0532. @param missing cycles that would suffice; null where the caller must not know */
export function insufficientCyclesInMemoryGrow(
  bytes: bigint,
  missing: bigint | null,
): CanisterTrap {
  const hint = missing === null ? '' : ` At least ${missing} additional cycles are required.`;
  return new CanisterTrap(
    ERROR_CODE.insufficientCyclesInMemoryGrow,
    `Canister cannot grow memory by ${bytes} bytes due to insufficient cycles.${hint}`,
  );
}

/** IC0534. */
export function reservedCyclesLimitExceeded(
  bytes: bigint,
  requested: bigint,
  limit: bigint,
): CanisterTrap {
  return new CanisterTrap(
    ERROR_CODE.reservedCyclesLimitExceededInMemoryGrow,
    `Canister cannot grow memory by ${bytes} bytes due to its reserved cycles limit. The current limit (${limit}) would be exceeded by ${requested - limit}.`,
  );
}

/** IC0539. */
export function wasmMemoryLimitExceeded(bytes: bigint, limit: bigint): CanisterTrap {
  return new CanisterTrap(
    ERROR_CODE.canisterWasmMemoryLimitExceeded,
    `Canister exceeded its current Wasm memory limit of ${limit} bytes. The peak Wasm memory usage was ${bytes} bytes. If the canister reaches 4GiB, then it may stop functioning and may become unrecoverable. Please reach out to the canister owner to investigate the reason for the increased memory usage. It might be necessary to move data from the Wasm memory to the stable memory. If such high Wasm memory usage is expected and safe, then the developer can increase the Wasm memory limit in the canister settings.`,
  );
}
