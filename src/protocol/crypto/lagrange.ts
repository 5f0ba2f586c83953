import { assert } from '../../base/assert.ts';

/** Lagrange coefficients at 0 with a common denominator: λᵢ = numerators[i] / denominator. */
export interface LagrangeAtZero {
  readonly numerators: readonly bigint[];
  readonly denominator: bigint;
}

function gcd(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a;
  let y = b < 0n ? -b : b;
  while (y !== 0n) {
    [x, y] = [y, x % y];
  }
  return x;
}

/**
 * For evaluation points `index + 1`. As integers the numerators of small committees have a few
 * bits only, so that combining shares takes a few point doublings instead of full scalar
 * multiplications; one division by the denominator in the scalar field ends it.
 */
export function lagrangeAtZero(indexes: readonly number[]): LagrangeAtZero {
  assert(new Set(indexes).size === indexes.length, 'interpolation points are distinct');
  const points = indexes.map((index) => BigInt(index) + 1n);
  const fractions = points.map((xi) => {
    let top = 1n;
    let bottom = 1n;
    for (const xj of points) {
      if (xj !== xi) {
        top *= xj;
        bottom *= xj - xi;
      }
    }
    const common = gcd(top, bottom) * (bottom < 0n ? -1n : 1n);
    return { top: top / common, bottom: bottom / common };
  });
  let denominator = 1n;
  for (const { bottom } of fractions) {
    denominator = (denominator / gcd(denominator, bottom)) * bottom;
  }
  return {
    numerators: fractions.map(({ top, bottom }) => top * (denominator / bottom)),
    denominator,
  };
}
