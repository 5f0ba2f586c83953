/** The outcome of an operation that bad input can make fail. Never thrown, always returned. */
export type Result<T, E> = Ok<T> | Err<E>;
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}
export interface Err<E> {
  readonly ok: false;
  readonly error: E;
}

export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

export function err<E>(error: E): Err<E> {
  return { ok: false, error };
}

/** Orthogonal to the error's code: whose fault it is and therefore who must act. */
export type ErrorKind = 'trust' | 'protocol' | 'reject' | 'transport' | 'limit' | 'input';

/** The shape every error value of the project has. `message` is a sentence for a person. */
export interface CodedError<Code extends string = string> {
  readonly kind: ErrorKind;
  readonly code: Code;
  readonly message: string;
}

export function codedError<Code extends string>(
  kind: ErrorKind,
  code: Code,
  message: string,
): CodedError<Code> {
  return { kind, code, message };
}
