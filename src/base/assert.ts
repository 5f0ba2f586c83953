/** A hard invariant fell: a programming error, never reachable from outside input. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) {
    throw new InvariantError(invariant);
  }
}

/** Proves at compile time that a switch handles every case. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${String(value)}`);
}

/** Unwraps a value whose absence would be a programming error. */
export function present<T>(value: T | undefined | null, invariant: string): T {
  if (value === undefined || value === null) {
    throw new InvariantError(invariant);
  }
  return value;
}
