import { bls12_381 } from '@noble/curves/bls12-381.js';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { createNobleBls } from './bls-noble.ts';
import { INSECURE_TEST_SUITE } from './insecure-test-crypto.ts';
import { lagrangeAtZero } from './lagrange.ts';
import { evaluatePolynomial, invertScalar, mod, scalarToBytes } from './scalars.ts';
import { GROUP_ORDER } from './suite.ts';

const noble = bls12_381.shortSignatures;
const message = encodeUtf8('a message');
const secret = (n: bigint): Uint8Array =>
  scalarToBytes(mod(n * 0x1234_5678_9abc_def0_1234_5678_9abc_def1n));

/** A point of the curve outside the prime-order subgroup, encoded. */
function outsideSubgroup(): Uint8Array {
  const { Fp } = bls12_381.fields;
  for (let x = 1n; ; x += 1n) {
    try {
      const y = Fp.sqrt(Fp.create(x * x * x + 4n));
      const point = bls12_381.G1.Point.fromAffine({ x, y });
      if (!point.isTorsionFree()) {
        const bytes = hexToBytes(x.toString(16).padStart(96, '0')) as Uint8Array;
        bytes[0] = 0x80 | (y > (Fp.ORDER - 1n) / 2n ? 0x20 : 0);
        return bytes;
      }
    } catch {
      // x³ + 4 is no square: try the next.
    }
  }
}

describe('lagrange and scalars', () => {
  test.prop([
    fc.uniqueArray(fc.integer({ min: 0, max: 39 }), { minLength: 1, maxLength: 27 }),
    fc.bigInt({ min: 1n, max: GROUP_ORDER - 1n }),
  ])('interpolates any polynomial at 0', (indexes, start) => {
    const polynomial = indexes.map((_, i) => mod(start ** 2n + BigInt(i) * start));
    const { numerators, denominator } = lagrangeAtZero(indexes);
    const sum = indexes.reduce(
      (total, index, i) =>
        mod(total + (numerators[i] as bigint) * evaluatePolynomial(polynomial, BigInt(index) + 1n)),
      0n,
    );
    expect(mod(sum * invertScalar(denominator))).toBe(polynomial[0]);
    expect(mod(invertScalar(start) * start)).toBe(1n);
  });

  it('uses the order of the real groups', () => {
    expect(GROUP_ORDER).toBe(bls12_381.fields.Fr.ORDER);
  });
});

describe('the noble backend', () => {
  const bls = createNobleBls();
  const keys = [1n, 2n, 3n, 4n].map(secret);
  const publicKeys = keys.map((key) => bls.publicKey(key));
  const shares = keys.map((key) => bls.sign(key, message));
  const fresh = createNobleBls();

  it("signs as noble's own short signatures do and verifies them", () => {
    const key = keys[0] as Uint8Array;
    const expected = noble.Signature.toBytes(noble.sign(noble.hash(message), key));
    expect(bytesToHex(shares[0] as Uint8Array)).toBe(bytesToHex(expected));
    expect(bytesToHex(publicKeys[0] as Uint8Array)).toBe(
      bytesToHex(noble.getPublicKey(key).toBytes()),
    );
    expect(fresh.verify(publicKeys[0] as Uint8Array, message, expected)).toBe(true);
    expect(fresh.verify(publicKeys[0] as Uint8Array, message, expected)).toBe(true);
    expect(fresh.verify(publicKeys[1] as Uint8Array, message, expected)).toBe(false);
    expect(fresh.verify(publicKeys[0] as Uint8Array, encodeUtf8('other'), expected)).toBe(false);
  });

  it('aggregates as noble does', () => {
    const sum = bls.aggregateSignatures(shares);
    const sumKey = bls.aggregatePublicKeys(publicKeys);
    const expected = noble.aggregateSignatures(
      shares.map((share) => noble.Signature.fromBytes(share)),
    );
    expect(sum.ok && bytesToHex(sum.value)).toBe(bytesToHex(noble.Signature.toBytes(expected)));
    expect(sum.ok && sumKey.ok && fresh.verify(sumKey.value, message, sum.value)).toBe(true);
  });

  it('combines threshold shares to the signature of the group key', () => {
    const polynomial = [11n, 22n, 33n].map((n) => mod(n ** 20n));
    const groupKey = bls.publicKey(scalarToBytes(polynomial[0] as bigint));
    const coefficients = polynomial.map((n) => bls.publicKey(scalarToBytes(n)));
    const share = (index: number) => {
      const key = scalarToBytes(evaluatePolynomial(polynomial, BigInt(index) + 1n));
      const publicShare = fresh.evaluatePublicShare(coefficients, index);
      expect(publicShare.ok && bytesToHex(publicShare.value)).toBe(bytesToHex(bls.publicKey(key)));
      return { index, signature: bls.sign(key, message) };
    };
    const all = [0, 1, 2, 3, 6].map(share);
    const whole = bytesToHex(bls.sign(scalarToBytes(polynomial[0] as bigint), message));
    for (const picked of [
      [0, 1, 2],
      [4, 1, 3],
      [2, 3, 4],
    ]) {
      const combined = fresh.combineShares(picked.map((i) => all[i] as (typeof all)[0]));
      expect(combined.ok && bytesToHex(combined.value)).toBe(whole);
    }
    expect(fresh.verify(groupKey, message, hexToBytes(whole) as Uint8Array)).toBe(true);
    expect(
      fresh.combineShares([all[0] as (typeof all)[0], all[0] as (typeof all)[0]]),
    ).toMatchObject({
      error: { code: 'DUPLICATE_SIGNER' },
    });
  });

  it('proves possession', () => {
    const proof = bls.provePossession(keys[0] as Uint8Array);
    expect(fresh.verifyPossession(publicKeys[0] as Uint8Array, proof)).toBe(true);
    expect(fresh.verifyPossession(publicKeys[1] as Uint8Array, proof)).toBe(false);
    // A proof is no signature on the key bytes: the suites differ.
    expect(fresh.verify(publicKeys[0] as Uint8Array, publicKeys[0] as Uint8Array, proof)).toBe(
      false,
    );
  });

  const infinity = `c0${'00'.repeat(47)}`;
  const p = bls12_381.fields.Fp.ORDER.toString(16).padStart(96, '0');
  it.each([
    ['infinity', infinity],
    ['infinity with the sign flag', `e0${'00'.repeat(47)}`],
    ['infinity with trailing bytes', `c0${'00'.repeat(46)}01`],
    ['x = p', (BigInt(`0x${p}`) | (1n << 383n)).toString(16)],
    ['no compression flag', `00${'00'.repeat(46)}01`],
    ['not on the curve', `80${'00'.repeat(46)}01`],
    ['short', 'aa'.repeat(47)],
    ['empty', ''],
    ['outside the subgroup', bytesToHex(outsideSubgroup())],
  ])('refuses a signature that is %s', (_, text) => {
    const bytes = hexToBytes(text) as Uint8Array;
    expect(fresh.verify(publicKeys[0] as Uint8Array, message, bytes)).toBe(false);
    expect(fresh.aggregateSignatures([bytes]).ok).toBe(false);
    expect(fresh.combineShares([{ index: 0, signature: bytes }]).ok).toBe(false);
  });

  it.each([`c0${'00'.repeat(95)}`, '00'.repeat(96), 'aa'.repeat(96), 'aa'.repeat(95), ''])(
    'refuses the key %s',
    (text) => {
      const bytes = hexToBytes(text) as Uint8Array;
      expect(fresh.verify(bytes, message, shares[0] as Uint8Array)).toBe(false);
      expect(fresh.aggregatePublicKeys([bytes]).ok).toBe(false);
    },
  );

  it('finds that shares cancel out', () => {
    const point = noble.Signature.fromBytes(shares[0] as Uint8Array);
    const opposite = noble.Signature.toBytes(point.negate());
    expect(fresh.aggregateSignatures([shares[0] as Uint8Array, opposite]).ok).toBe(false);
  });
});

describe('the insecure test backend', () => {
  const { bls, basic } = INSECURE_TEST_SUITE;

  it('has the algebra and the lengths of the real one', () => {
    const keys = [5n, 6n].map(secret);
    const sum = bls.aggregateSignatures(keys.map((key) => bls.sign(key, message)));
    const key = bls.aggregatePublicKeys(keys.map((item) => bls.publicKey(item)));
    expect(sum.ok && key.ok && bls.verify(key.value, message, sum.value)).toBe(true);
    expect(sum.ok && key.ok && bls.verify(key.value, encodeUtf8('x'), sum.value)).toBe(false);
    expect([sum.ok && sum.value.length, key.ok && key.value.length]).toEqual([48, 96]);
    const signature = basic.sign(keys[0] as Uint8Array, message);
    expect(basic.verify(basic.publicKey(keys[0] as Uint8Array), message, signature)).toBe(true);
    expect(basic.verify(basic.publicKey(keys[1] as Uint8Array), message, signature)).toBe(false);
  });

  it('never passes for the real one, nor the other way', () => {
    const real = createNobleBls();
    const key = secret(9n);
    expect(real.verify(bls.publicKey(key), message, bls.sign(key, message))).toBe(false);
    expect(bls.verify(real.publicKey(key), message, real.sign(key, message))).toBe(false);
  });
});
