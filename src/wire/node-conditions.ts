import { codedError, err, ok, type CodedError, type Result } from '../base/result.ts';

/** What the world does to one node; its protocol code is untouched. */
export interface NodeConditions {
  /** Takes no input and says nothing, as a machine that hangs; what arrives meanwhile waits. */
  readonly paused: boolean;
  /** How many times longer its work takes: 1 = not at all. */
  readonly cpuSlowdown: number;
  /** Added to each write before it is done. */
  readonly diskDelayMs: number;
  /** Every write fails: the node must end rather than speak of what it could not store. */
  readonly failWrites: boolean;
  /** Added to its reading of the clock; a clock that is set back stands still until it is reached. */
  readonly clockOffsetMs: number;
}

export const HEALTHY_NODE: NodeConditions = {
  paused: false,
  cpuSlowdown: 1,
  diskDelayMs: 0,
  failWrites: false,
  clockOffsetMs: 0,
};

export type NodeConditionsErrorCode = 'NODE_CONDITIONS_INVALID';
export type NodeConditionsError = CodedError<NodeConditionsErrorCode>;

const MAX_SLOWDOWN = 100;
const MAX_DISK_DELAY_MS = 60_000;
const MAX_CLOCK_OFFSET_MS = 24 * 60 * 60 * 1000;

const EXPECTED: Readonly<Record<keyof NodeConditions, (value: unknown) => string | null>> = {
  paused: booleanOnly,
  cpuSlowdown: (value) =>
    typeof value === 'number' && value >= 1 && value <= MAX_SLOWDOWN
      ? null
      : `a number from 1 to ${MAX_SLOWDOWN}`,
  diskDelayMs: integerBetween(0, MAX_DISK_DELAY_MS),
  failWrites: booleanOnly,
  clockOffsetMs: integerBetween(-MAX_CLOCK_OFFSET_MS, MAX_CLOCK_OFFSET_MS),
};

function booleanOnly(value: unknown): string | null {
  return typeof value === 'boolean' ? null : 'true or false';
}

function integerBetween(min: number, max: number): (value: unknown) => string | null {
  return (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? null
      : `an integer from ${min} to ${max}`;
}

/**
 * Checks node conditions that come from a script; absent fields are those of `base`. Unknown fields
 * are errors.
 */
export function parseNodeConditions(
  value: unknown,
  base: NodeConditions = HEALTHY_NODE,
): Result<NodeConditions, NodeConditionsError> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return invalid('conditions must be an object.');
  }
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(EXPECTED, key));
  if (unknown !== undefined) {
    return invalid(`conditions.${unknown.slice(0, 40)} is not a known field.`);
  }
  const merged: Record<string, unknown> = { ...base, ...value };
  for (const [key, check] of Object.entries(EXPECTED)) {
    const expected = check(merged[key]);
    if (expected !== null) {
      return invalid(`conditions.${key} must be ${expected}.`);
    }
  }
  return ok(merged as unknown as NodeConditions);
}

function invalid(message: string): Result<never, NodeConditionsError> {
  return err(codedError('input', 'NODE_CONDITIONS_INVALID', message));
}
