import { assert } from '../../base/assert.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import type { Prng } from '../../base/prng.ts';
import { BLS_SECRET_KEY_BYTES, GROUP_ORDER } from './suite.ts';

export function mod(value: bigint): bigint {
  const rest = value % GROUP_ORDER;
  return rest < 0n ? rest + GROUP_ORDER : rest;
}

/** Big-endian bytes of any length as a number, not reduced. */
export function bigintFromBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytesToHex(bytes)}`);
}

/** Uniform enough: 48 bytes reduced modulo a 255-bit order; never zero. */
export function drawScalar(prng: Prng): bigint {
  let scalar = 0n;
  while (scalar === 0n) {
    scalar = mod(bigintFromBytes(prng.bytes(48)));
  }
  return scalar;
}

/** A usable secret from its canonical 32 big-endian bytes: reduced and not zero. */
export function scalarFromBytes(bytes: Uint8Array): bigint | undefined {
  if (bytes.length !== BLS_SECRET_KEY_BYTES) {
    return undefined;
  }
  const scalar = bigintFromBytes(bytes);
  return scalar > 0n && scalar < GROUP_ORDER ? scalar : undefined;
}

/** A scalar as 32 big-endian bytes. */
export function scalarToBytes(scalar: bigint): Uint8Array {
  assert(scalar >= 0n && scalar < GROUP_ORDER, 'a scalar is reduced');
  return hexToBytes(scalar.toString(16).padStart(2 * BLS_SECRET_KEY_BYTES, '0')) as Uint8Array;
}

/** Inverse in the scalar field, by the extended Euclidean algorithm. */
export function invertScalar(scalar: bigint): bigint {
  let [previous, current] = [GROUP_ORDER, mod(scalar)];
  let [previousFactor, factor] = [0n, 1n];
  assert(current !== 0n, 'zero has no inverse');
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  return mod(previousFactor);
}

/** Value of a polynomial (constant term first) at `x`. */
export function evaluatePolynomial(coefficients: readonly bigint[], x: bigint): bigint {
  return coefficients.reduceRight((value, coefficient) => mod(value * x + coefficient), 0n);
}
