import type { WeierstrassPoint } from '@noble/curves/abstract/weierstrass.js';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { hexToBytes } from '../../base/hex.ts';
import { bigintFromBytes, invertScalar } from './scalars.ts';
import { BLS_PUBLIC_KEY_BYTES, BLS_SIGNATURE_BYTES } from './suite.ts';
import { lagrangeAtZero } from './lagrange.ts';

/** Point codecs and sums of the BLS backend. The only place besides `bls-noble.ts` that sees points. */
export type G1Point = WeierstrassPoint<bigint>;
export type G2Point = ReturnType<typeof bls12_381.shortSignatures.getPublicKey>;

const { Fp } = bls12_381.fields;
const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const COMPRESSED = 0x80;
const INFINITY = 0x40;
const LARGER_Y = 0x20;
const HALF_P = (Fp.ORDER - 1n) / 2n;
const CURVE_B = 4n;

/** 48 bytes, compressed (ZCash form). The point must not be infinity. */
export function encodeG1(point: G1Point): Uint8Array {
  const { x, y } = point.toAffine();
  const bytes = hexToBytes(x.toString(16).padStart(2 * BLS_SIGNATURE_BYTES, '0')) as Uint8Array;
  bytes[0] = (bytes[0] as number) | COMPRESSED | (y > HALF_P ? LARGER_Y : 0);
  return bytes;
}

/**
 * A point of the curve from its canonical compressed form; undefined for anything else, infinity
 * included. The subgroup is NOT checked: do that on the sum, or use `decodeG1`.
 */
export function decodeCurvePoint(bytes: Uint8Array): G1Point | undefined {
  const flags = bytes[0] ?? 0;
  if (
    bytes.length !== BLS_SIGNATURE_BYTES ||
    (flags & COMPRESSED) === 0 ||
    (flags & INFINITY) !== 0
  ) {
    return undefined;
  }
  const stripped = bytes.slice();
  stripped[0] = flags & 0x1f;
  const x = bigintFromBytes(stripped);
  if (x >= Fp.ORDER) {
    return undefined;
  }
  const square = Fp.create(x * x * x + CURVE_B);
  let root: bigint;
  try {
    root = Fp.sqrt(square);
  } catch {
    return undefined;
  }
  const wantsLarger = (flags & LARGER_Y) !== 0;
  const y = root > HALF_P === wantsLarger ? root : Fp.neg(root);
  return G1.fromAffine({ x, y });
}

/** A signature point: canonical, on the curve, in the subgroup, not infinity. */
export function decodeG1(bytes: Uint8Array): G1Point | undefined {
  const point = decodeCurvePoint(bytes);
  return point?.isTorsionFree() === true ? point : undefined;
}

/** A public key point: canonical, on the curve, in the subgroup, not infinity. */
export function decodeG2(bytes: Uint8Array): G2Point | undefined {
  if (bytes.length !== BLS_PUBLIC_KEY_BYTES) {
    return undefined;
  }
  try {
    const point = G2.fromBytes(bytes);
    return point.is0() ? undefined : point;
  } catch {
    return undefined;
  }
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** What both groups' points can do. */
interface GroupPoint<P> {
  add(other: P): P;
  double(): P;
  negate(): P;
  multiplyUnsafe(scalar: bigint): P;
}

/** Σ scalars·points for scalars of either sign, the smaller the faster, sharing the doublings. Variable time: public data only. */
function linearCombination<P extends GroupPoint<P>>(
  zero: P,
  points: readonly P[],
  scalars: readonly bigint[],
): P {
  const terms = points.map((point, i) => {
    const scalar = scalars[i] as bigint;
    return scalar < 0n ? { point: point.negate(), scalar: -scalar } : { point, scalar };
  });
  let sum = zero;
  for (
    let bit = BigInt(Math.max(0, ...terms.map((term) => bitLength(term.scalar)))) - 1n;
    bit >= 0n;
    bit -= 1n
  ) {
    sum = sum.double();
    for (const { point, scalar } of terms) {
      if (((scalar >> bit) & 1n) === 1n) {
        sum = sum.add(point);
      }
    }
  }
  return sum;
}

function interpolate<P extends GroupPoint<P>>(
  zero: P,
  indexes: readonly number[],
  points: readonly P[],
): P {
  const { numerators, denominator } = lagrangeAtZero(indexes);
  const sum = linearCombination(zero, points, numerators);
  return denominator === 1n ? sum : sum.multiplyUnsafe(invertScalar(denominator));
}

/** Interpolates signature shares at 0. */
export function interpolateG1(indexes: readonly number[], points: readonly G1Point[]): G1Point {
  return interpolate(G1.ZERO as G1Point, indexes, points);
}

/** Interpolates public keys of shares at 0. */
export function interpolateG2(indexes: readonly number[], points: readonly G2Point[]): G2Point {
  return interpolate(G2.ZERO as G2Point, indexes, points);
}

export function linearCombinationG2(
  points: readonly G2Point[],
  scalars: readonly bigint[],
): G2Point {
  return linearCombination(G2.ZERO as G2Point, points, scalars);
}

export function sumG1(points: readonly G1Point[]): G1Point {
  return points.reduce((sum, point) => sum.add(point), G1.ZERO as G1Point);
}

export function sumG2(points: readonly G2Point[]): G2Point {
  return points.reduce((sum, point) => sum.add(point), G2.ZERO as G2Point);
}

/** Value of a public polynomial in G2 (constant term first) at a small x, by Horner's rule. */
export function evaluateG2(coefficients: readonly G2Point[], x: bigint): G2Point {
  return coefficients.reduceRight(
    (value, coefficient) => value.multiplyUnsafe(x).add(coefficient),
    G2.ZERO as G2Point,
  );
}
