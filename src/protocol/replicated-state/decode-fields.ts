import {
  asArray,
  asBytes,
  asMap,
  asSafeNat,
  asText,
  type CborMap,
  type CborValue,
} from '../crypto/cbor.ts';

/** Typed reading of decoded CBOR. Everything here throws `Malformed`. */

/** Thrown by the readers of this folder, caught in `decode-state.ts`. */
export class Malformed {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

export function text<T extends string = string>(value: CborValue | undefined): T {
  const found = asText(value);
  if (found === undefined) {
    throw new Malformed('a text');
  }
  return found as T;
}

export function big(value: CborValue | undefined): bigint {
  const digits = text(value);
  if (!/^-?\d{1,50}$/.test(digits)) {
    throw new Malformed('a number');
  }
  return BigInt(digits);
}

export function list(value: CborValue | undefined): readonly CborValue[] {
  const found = asArray(value);
  if (found === undefined) {
    throw new Malformed('a list');
  }
  return found;
}

export function bytes(value: CborValue | undefined): Uint8Array {
  const found = asBytes(value);
  if (found === undefined) {
    throw new Malformed('bytes');
  }
  return found;
}

export function small(value: CborValue | undefined): number {
  const found = asSafeNat(value);
  if (found === undefined) {
    throw new Malformed('a small number');
  }
  return found;
}

export function map(value: CborValue | undefined): CborMap {
  const found = asMap(value);
  if (found === undefined) {
    throw new Malformed('a map');
  }
  return found;
}

export function texts<T extends string>(value: CborValue | undefined): readonly T[] {
  return list(value).map((item) => text<T>(item));
}

export function flag(value: CborValue | undefined): boolean {
  if (typeof value !== 'boolean') {
    throw new Malformed('a truth value');
  }
  return value;
}
