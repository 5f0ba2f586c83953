import { fc, test } from '@fast-check/vitest';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { describe, expect, it } from 'vitest';
import {
  MAINNET_ROOT_KEY,
  mainnetCertificate,
} from '../../../tests/support/mainnet-certificates.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { createNobleBls } from '../../protocol/crypto/bls-noble.ts';
import { encodeG1 } from '../../protocol/crypto/bls-points.ts';
import { decodeCertificate, verifyCertificate } from '../../protocol/crypto/certificate.ts';
import {
  bigintFromBytes,
  evaluatePolynomial,
  mod,
  scalarToBytes,
} from '../../protocol/crypto/scalars.ts';
import { type BlsSuite, GROUP_ORDER } from '../../protocol/crypto/suite.ts';
import { createMclBls } from './bls-mcl.ts';
import {
  loadCryptoSuite,
  loadWorkingMclBls,
  passesSelfTest,
  SELF_TEST_VECTOR,
} from './choose-suite.ts';
import { loadMclEngine, MAX_WASM_MESSAGE_BYTES } from './mcl-engine.ts';

const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;
const noble = createNobleBls();
const bls = await createMclBls();
const message = encodeUtf8('a message');
const keys = [3n, 5n, 7n, 11n].map((n) => scalarToBytes(mod(n ** 80n)));
const publicKeys = keys.map((key) => noble.publicKey(key));
const shares = keys.map((key) => noble.sign(key, message));
const [firstKey, secondKey] = publicKeys as [Uint8Array, Uint8Array];
const [firstShare, secondShare] = shares as [Uint8Array, Uint8Array];
const { Fp } = bls12_381.fields;

/** A point of order dividing the cofactor only: what an attacker adds to a share. */
function torsionPoint() {
  for (let x = 1n; ; x += 1n) {
    try {
      const y = Fp.sqrt(Fp.create(x * x * x + 4n));
      const point = bls12_381.G1.Point.fromAffine({ x, y }).multiplyUnsafe(GROUP_ORDER - 1n);
      const torsion = point.add(bls12_381.G1.Point.fromAffine({ x, y }));
      if (!torsion.is0()) {
        return torsion;
      }
    } catch {
      // x³ + 4 is no square: try the next.
    }
  }
}

const encodedPoint = (bytes: Uint8Array) => bls12_381.G1.Point.fromBytes(bytes);

/** Every question about signature bytes, as one comparable value. */
function verdicts(backend: BlsSuite, signature: Uint8Array) {
  return {
    verify: backend.verify(firstKey, message, signature),
    possession: backend.verifyPossession(firstKey, signature),
    aggregate: backend.aggregateSignatures([firstShare, signature]),
    alone: backend.aggregateSignatures([signature]),
    combine: backend.combineShares([
      { index: 0, signature },
      { index: 2, signature: secondShare },
    ]),
  };
}

function keyVerdicts(backend: BlsSuite, key: Uint8Array) {
  return {
    verify: backend.verify(key, message, firstShare),
    possession: backend.verifyPossession(key, firstShare),
    aggregate: backend.aggregatePublicKeys([firstKey, key]),
    evaluate: backend.evaluatePublicShare([firstKey, key], 3),
    multiply: backend.multiplyPublicKey(key, scalarToBytes(GROUP_ORDER - 7n)),
    linear: backend.linearCombination([
      { publicKey: null, scalar: 5n },
      { publicKey: key, scalar: GROUP_ORDER - 1n },
    ]),
    combine: backend.combinePublicKeys([
      { index: 1, publicKey: firstKey },
      { index: 4, publicKey: key },
    ]),
  };
}

describe('mcl and noble compute the same', () => {
  const scalar = fc.bigInt({ min: 1n, max: GROUP_ORDER - 1n }).map(scalarToBytes);

  test.prop([scalar, fc.uint8Array({ maxLength: 200 })], { numRuns: 15 })(
    'keys, signatures and proofs',
    (key, text) => {
      const publicKey = bls.publicKey(key);
      const signature = bls.sign(key, text);
      expect(publicKey).toEqual(noble.publicKey(key));
      expect(signature).toEqual(noble.sign(key, text));
      expect(bls.provePossession(key)).toEqual(noble.provePossession(key));
      expect(bls.verify(publicKey, text, signature)).toBe(true);
      expect(bls.verify(firstKey, text, signature)).toBe(false);
      expect(bls.verifyPossession(publicKey, noble.provePossession(key))).toBe(true);
      expect(bls.verifyPossession(publicKey, signature)).toBe(false);
    },
  );

  it('aggregates', async () => {
    const fresh = await createMclBls();
    for (const count of [0, 1, 2, 4]) {
      const some = fresh.aggregateSignatures(shares.slice(0, count));
      const key = fresh.aggregatePublicKeys(publicKeys.slice(0, count));
      expect(some).toEqual(noble.aggregateSignatures(shares.slice(0, count)));
      expect(key).toEqual(noble.aggregatePublicKeys(publicKeys.slice(0, count)));
      expect(some.ok && key.ok && fresh.verify(key.value, message, some.value)).toBe(count > 0);
    }
    const opposite = encodedPoint(firstShare).negate().toBytes();
    expect(fresh.aggregateSignatures([firstShare, opposite])).toEqual(
      noble.aggregateSignatures([firstShare, opposite]),
    );
  });

  test.prop(
    [fc.uniqueArray(fc.integer({ min: 0, max: 39 }), { minLength: 1, maxLength: 9 }), scalar],
    { numRuns: 10 },
  )('threshold shares and their keys', (indexes, start) => {
    const seed = BigInt(`0x${bytesToHex(start)}`);
    const polynomial = indexes.map((_, i) => mod((seed + BigInt(i)) ** 3n));
    const values = indexes.map((index) => evaluatePolynomial(polynomial, BigInt(index) + 1n));
    // Zero is no key: a dealer draws again.
    fc.pre(![...polynomial, ...values].includes(0n));
    const coefficients = polynomial.map((n) => noble.publicKey(scalarToBytes(n)));
    const parts = indexes.map((index, i) => {
      const key = scalarToBytes(values[i] as bigint);
      expect(bls.evaluatePublicShare(coefficients, index)).toEqual({
        ok: true,
        value: bls.publicKey(key),
      });
      return { index, signature: bls.sign(key, message), publicKey: bls.publicKey(key) };
    });
    const whole = noble.sign(scalarToBytes(polynomial[0] as bigint), message);
    expect(bls.combineShares(parts)).toEqual({ ok: true, value: whole });
    expect(bls.verify(coefficients[0] as Uint8Array, message, whole)).toBe(true);
    const key = { ok: true, value: coefficients[0] };
    expect(bls.combinePublicKeys(parts)).toEqual(key);
    expect(noble.combinePublicKeys(parts)).toEqual(key);
  });

  test.prop([scalar, scalar], { numRuns: 5 })('products and sums of keys', (a, b) => {
    const key = noble.publicKey(a);
    const product = bls.multiplyPublicKey(key, b);
    expect(product).toEqual(noble.multiplyPublicKey(key, b));
    expect(product).toEqual(bls.multiplyPublicKey(bls.publicKey(b), a));
    const [x, y] = [a, b].map(bigintFromBytes) as [bigint, bigint];
    const sum = mod(x * y + x);
    fc.pre(sum !== 0n);
    const terms = [
      { publicKey: key, scalar: y },
      { publicKey: null, scalar: x },
    ];
    expect(bls.linearCombination(terms)).toEqual(noble.linearCombination(terms));
    expect(bls.linearCombination(terms)).toEqual({
      ok: true,
      value: noble.publicKey(scalarToBytes(sum)),
    });
    const cancelling = [terms[0], { publicKey: null, scalar: mod(-x * y) }] as typeof terms;
    expect(bls.linearCombination(cancelling)).toEqual(noble.linearCombination(cancelling));
    expect(bls.linearCombination(cancelling).ok).toBe(false);
  });

  it('refuses a signer named twice, and nothing to combine', () => {
    const twice = [0, 0].map((index) => ({ index, signature: firstShare }));
    expect(bls.combineShares(twice)).toEqual(noble.combineShares(twice));
    expect(bls.combineShares([])).toEqual(noble.combineShares([]));
    expect(bls.evaluatePublicShare([], 0)).toEqual(noble.evaluatePublicShare([], 0));
    const owners = [0, 0].map((index) => ({ index, publicKey: firstKey }));
    expect(bls.combinePublicKeys(owners)).toEqual(noble.combinePublicKeys(owners));
    expect(bls.combinePublicKeys(owners).ok).toBe(false);
    expect(bls.combinePublicKeys([])).toEqual(noble.combinePublicKeys([]));
    expect(bls.linearCombination([])).toEqual(noble.linearCombination([]));
  });

  it('messages too long for the stack of Wasm', () => {
    const key = keys[0] as Uint8Array;
    for (const length of [MAX_WASM_MESSAGE_BYTES, MAX_WASM_MESSAGE_BYTES + 1, 1_000_000]) {
      const long = new Uint8Array(length).fill(7);
      expect(bls.sign(key, long)).toEqual(noble.sign(key, long));
      expect(bls.verify(firstKey, long, noble.sign(key, long))).toBe(true);
      expect(bls.verify(firstKey, long, firstShare)).toBe(false);
    }
    expect(bls.verifyPossession(new Uint8Array(1_000_000), firstShare)).toBe(false);
  });
});

describe('mcl and noble judge alike', () => {
  const torsion = torsionPoint();
  const p = Fp.ORDER;
  const withFlags = (x: bigint, flags: bigint) => ((flags << 376n) | x).toString(16);
  const flip = (bytes: Uint8Array, flag: number) => {
    const changed = bytes.slice();
    changed[0] = (changed[0] as number) ^ flag;
    return bytesToHex(changed);
  };

  it.each([
    ['good', bytesToHex(firstShare)],
    ['of another signer', bytesToHex(secondShare)],
    ['infinity', `c0${'00'.repeat(47)}`],
    ['infinity with the sign flag', `e0${'00'.repeat(47)}`],
    ['infinity with trailing bytes', `c0${'00'.repeat(46)}01`],
    ['x = p', withFlags(p, 0x80n)],
    ['x = p + the x of a point', withFlags(p + 4n, 0x80n)],
    ['all ones', `9f${'ff'.repeat(47)}`],
    ['zero', '00'.repeat(48)],
    ['x = 0, a point of small order', `80${'00'.repeat(47)}`],
    ['without the compression flag', flip(firstShare, 0x80)],
    ['with the infinity flag', flip(firstShare, 0x40)],
    ['the opposite', flip(firstShare, 0x20)],
    ['not on the curve', `80${'00'.repeat(46)}01`],
    ['short', bytesToHex(firstShare.slice(0, 47))],
    ['long', `${bytesToHex(firstShare)}00`],
    ['uncompressed', bytesToHex(encodedPoint(firstShare).toBytes(false))],
    ['empty', ''],
    ['outside the subgroup', bytesToHex(encodeG1(torsion))],
    ['moved out of the subgroup', bytesToHex(encodeG1(encodedPoint(firstShare).add(torsion)))],
  ])('a signature: %s', (name, text) => {
    const signature = hex(text);
    expect(verdicts(bls, signature)).toEqual(verdicts(noble, signature));
    expect(bls.verify(firstKey, message, signature)).toBe(name === 'good');
  });

  it('shares outside the subgroup whose errors cancel out', () => {
    const moved = [
      encodeG1(encodedPoint(firstShare).add(torsion)),
      encodeG1(encodedPoint(secondShare).add(torsion.negate())),
    ];
    expect(bls.aggregateSignatures(moved)).toEqual(noble.aggregateSignatures(moved));
    expect(bls.aggregateSignatures(moved).ok).toBe(true);
    for (const indexes of [
      [0, 1],
      [1, 3],
      [0, 2],
    ]) {
      const parts = moved.map((signature, i) => ({ index: indexes[i] as number, signature }));
      expect(bls.combineShares(parts)).toEqual(noble.combineShares(parts));
    }
  });

  it.each([
    ['good', bytesToHex(firstKey)],
    ['infinity', `c0${'00'.repeat(95)}`],
    ['infinity with trailing bytes', `c0${'00'.repeat(94)}01`],
    ['without the compression flag', flip(firstKey, 0x80)],
    ['with the infinity flag', flip(firstKey, 0x40)],
    ['the opposite', flip(firstKey, 0x20)],
    ['imaginary part = p', withFlags(p, 0x80n) + '00'.repeat(48)],
    ['real part = p', `80${'00'.repeat(47)}${p.toString(16).padStart(96, '0')}`],
    // Nearly every point of the twisted curve lies outside the subgroup.
    ...Array.from({ length: 8 }, (_, x): [string, string] => [
      `x = ${x}`,
      `80${'00'.repeat(94)}0${x}`,
    ]),
    ['zero', '00'.repeat(96)],
    ['all ones', 'ff'.repeat(96)],
    ['short', bytesToHex(firstKey.slice(0, 95))],
    ['a signature', bytesToHex(firstShare)],
    ['empty', ''],
  ])('a key: %s', (name, text) => {
    const key = hex(text);
    expect(keyVerdicts(bls, key)).toEqual(keyVerdicts(noble, key));
    expect(bls.verify(key, message, firstShare)).toBe(name === 'good');
  });

  it('the opposite of a key cancels it out', () => {
    const pair = [secondKey, hex(flip(secondKey, 0x20))];
    expect(bls.aggregatePublicKeys(pair)).toEqual(noble.aggregatePublicKeys(pair));
    expect(bls.aggregatePublicKeys(pair).ok).toBe(false);
  });

  test.prop([fc.uint8Array({ minLength: 48, maxLength: 48 }), fc.constantFrom(0x80, 0xa0)], {
    numRuns: 30,
  })('random points', (bytes, flags) => {
    bytes[0] = flags | ((bytes[0] as number) & 0x0f);
    expect(verdicts(bls, bytes)).toEqual(verdicts(noble, bytes));
  });
});

describe('line tables', () => {
  it('survive eviction: more keys than the cache holds, twice', async () => {
    const engine = await loadMclEngine();
    const many = Array.from({ length: 60 }, (_, i) => scalarToBytes(BigInt(i) + 2n));
    const other = await createMclBls();
    for (const text of ['first', 'second'].map(encodeUtf8)) {
      for (const key of many) {
        expect(other.verify(other.publicKey(key), text, other.sign(key, text))).toBe(true);
      }
    }
    expect(engine).toBe(await loadMclEngine());
  });

  it('are given back when they lose their place', () => {
    const gone: string[] = [];
    const cache = createLru<string>(2, (value) => gone.push(value));
    cache.set('a', 'A');
    cache.set('b', 'B');
    cache.set('a', 'A');
    cache.set('c', 'C');
    cache.set('a', 'A2');
    expect(gone).toEqual(['B', 'A']);
  });
});

describe('the choice of a backend', () => {
  it("takes mcl, whose self-test vector is noble's", async () => {
    const { secretKey, publicKey, signature } = SELF_TEST_VECTOR;
    expect(noble.publicKey(secretKey)).toEqual(publicKey);
    expect(noble.sign(secretKey, SELF_TEST_VECTOR.message)).toEqual(signature);
    expect(passesSelfTest(noble)).toBe(true);
    const suite = await loadCryptoSuite('mcl');
    expect([suite.name, suite.bls.name]).toEqual(['bls12-381', 'mcl-bls12-381']);
  });

  it.each<[string, () => Promise<BlsSuite>]>([
    ['is blocked', () => Promise.reject(new TypeError('Wasm is blocked'))],
    ['accepts everything', () => Promise.resolve({ ...bls, verify: () => true })],
    ['refuses everything', () => Promise.resolve({ ...bls, verify: () => false })],
    ['signs otherwise', () => Promise.resolve({ ...bls, sign: () => firstShare })],
    ['has other keys', () => Promise.resolve({ ...bls, publicKey: () => firstKey })],
  ])('falls back to noble when mcl %s', async (_, load) => {
    const suite = await loadCryptoSuite('mcl', () => loadWorkingMclBls(load));
    expect([suite.name, suite.bls.name]).toEqual(['bls12-381', 'noble-bls12-381']);
  });
});

describe('mainnet certificates', () => {
  const rootKeyDer = MAINNET_ROOT_KEY;
  it.each(['mainnetSystem', 'mainnetApplication', 'mainnetApplicationO3ow2'] as const)(
    '%s is valid and a changed one is not',
    (name) => {
      const decoded = decodeCertificate(mainnetCertificate(name));
      expect(decoded.ok).toBe(true);
      if (decoded.ok) {
        const changed = {
          ...decoded.value,
          tree: [2, encodeUtf8('x'), decoded.value.tree] as const,
        };
        expect(verifyCertificate(decoded.value, { rootKeyDer, bls }).ok).toBe(true);
        expect(verifyCertificate(changed, { rootKeyDer, bls })).toMatchObject({
          error: { code: 'BAD_SIGNATURE' },
        });
      }
    },
  );
});
