import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { createNobleBls } from '../../crypto/bls-noble.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import { bigintFromBytes, scalarToBytes } from '../../crypto/scalars.ts';
import { type BlsSuite, GROUP_ORDER } from '../../crypto/suite.ts';
import { type LogStatement, proveLog, verifyLog } from './discrete-log-proof.ts';
import { OUTSIDE_SUBGROUP } from './testing/dkg-fixture.ts';

const SECRET = 123_456_789n ** 5n;
const scalar = fc.bigInt({ min: 1n, max: GROUP_ORDER - 1n }).map(scalarToBytes);

/** Claims that both points have the same logarithm: `secret` to the generator, `other` to the base. */
function claim(bls: BlsSuite, base: Uint8Array, secret: Uint8Array, other = secret): LogStatement {
  const product = bls.multiplyPublicKey(base, other);
  return {
    domain: 'subnetarium-feldman-complaint',
    context: encodeUtf8('context'),
    pairs: [
      { base: null, point: bls.publicKey(secret) },
      { base, point: product.ok ? product.value : base },
    ],
  };
}

describe('a proof of equal logarithms', () => {
  const { bls } = INSECURE_TEST_SUITE;

  test.prop([scalar, scalar, scalar])('holds for its statement alone', (a, b, c) => {
    fc.pre(String(a) !== String(b));
    const base = bls.publicKey(c);
    const statement = claim(bls, base, a);
    const proof = proveLog(bls, statement, a);
    const [first, second] = statement.pairs as [LogStatement['pairs'][0], LogStatement['pairs'][0]];
    expect(verifyLog(bls, statement, proof)).toBe(true);
    for (const other of [
      { ...statement, domain: 'subnetarium-feldman-receiver-key' as const },
      { ...statement, context: encodeUtf8('other') },
      { ...statement, pairs: [first] },
      { ...statement, pairs: [second, first] },
      claim(bls, base, b),
      claim(bls, base, a, b),
    ]) {
      expect(verifyLog(bls, other, proof)).toBe(false);
    }
    const unequal = claim(bls, base, a, b);
    expect(verifyLog(bls, unequal, proveLog(bls, unequal, a))).toBe(false);
    expect(verifyLog(bls, unequal, proveLog(bls, unequal, b))).toBe(false);
  });

  it('is on the real curve what two pairings say', () => {
    const noble = createNobleBls();
    const secret = scalarToBytes(SECRET);
    const base = noble.publicKey(scalarToBytes(987_654_321n ** 6n));
    const statement = claim(noble, base, secret);
    const proof = proveLog(noble, statement, secret);
    expect(verifyLog(noble, statement, proof)).toBe(true);
    const { G1, G2 } = bls12_381;
    const commitment = G1.Point.BASE.multiply(SECRET);
    const shared = G2.Point.fromBytes(statement.pairs[1]?.point as Uint8Array);
    const left = bls12_381.pairing(commitment, G2.Point.fromBytes(base));
    expect(bls12_381.fields.Fp12.eql(left, bls12_381.pairing(G1.Point.BASE, shared))).toBe(true);

    const pairs = statement.pairs.map((pair, i) =>
      i === 0 ? pair : { ...pair, point: OUTSIDE_SUBGROUP },
    );
    expect(verifyLog(noble, { ...statement, pairs }, proof)).toBe(false);
    const plusOrder = proof.slice();
    plusOrder.set(encodeBig(bigintFromBytes(proof.slice(32)) + GROUP_ORDER), 32);
    expect(verifyLog(noble, statement, plusOrder)).toBe(false);
  });
});

/** 32 big-endian bytes, not reduced. */
function encodeBig(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
}
