import type { CanisterError } from '../../interfaces/wasm-host.ts';

/**
 * Ends a canister's run from inside a system call: thrown through the canister's frames and caught
 * by the sandbox, never seen by the core. Messages are the part behind "Error from Canister <id>: ",
 * which execution puts in front. @upstream rs/interfaces/src/execution_environment/errors.rs
 */
export class CanisterTrap extends Error {
  override readonly name = 'CanisterTrap';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }

  toError(): CanisterError {
    return { code: this.code, message: this.message };
  }
}

export const ERROR_CODE = {
  canisterOutOfCycles: 207,
  trapped: 502,
  calledTrap: 503,
  contractViolation: 504,
  instructionLimitExceeded: 522,
  memoryAccessLimitExceeded: 524,
} as const;

/** IC0502; `cause` in the words of the replica's trap codes, e.g. "heap out of bounds". */
export function trapped(cause: string): CanisterTrap {
  return new CanisterTrap(ERROR_CODE.trapped, `Canister trapped: ${cause}`);
}

/** IC0503. */
export function calledTrap(message: string): CanisterTrap {
  return new CanisterTrap(
    ERROR_CODE.calledTrap,
    `Canister called \`ic0.trap\` with message: '${message}'`,
  );
}

/** IC0504. */
export function contractViolation(violation: string): CanisterTrap {
  return new CanisterTrap(ERROR_CODE.contractViolation, `Canister violated contract: ${violation}`);
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
