import { bls12_381 } from '@noble/curves/bls12-381.js';
import { assert } from '../../base/assert.ts';
import { bytesToHex } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import type { CryptoError } from '../interfaces/crypto.ts';
import type { G1Point, G2Point } from './bls-points.ts';
import {
  decodeCurvePoint,
  decodeG1,
  decodeG2,
  encodeG1,
  evaluateG2,
  interpolateG1,
  interpolateG2,
  linearCombinationG2,
  sumG1,
  sumG2,
} from './bls-points.ts';
import { bigintFromBytes } from './scalars.ts';
import { sha256 } from './sha256.ts';
import type { BlsSuite } from './suite.ts';
import {
  BLS_PUBLIC_KEY_BYTES,
  BLS_SECRET_KEY_BYTES,
  BLS_SIGNATURE_BYTES,
  GROUP_ORDER,
} from './suite.ts';

/**
 * BLS12-381 as on the IC, on noble: signatures in G1, keys in G2.
 *
 * Security: every accepted key and signature is canonical, in the right subgroup and not infinity.
 * Shares are decoded without the subgroup check; the check runs on their sum, and a sum that
 * verifies is the unique signature whatever its parts were. Callers find liars share by share.
 *
 * Caches hold decoded keys with their Miller-loop lines, hashed messages, decoded signatures and
 * checks that passed. They only save repeating a pure function; their sizes bound memory.
 */
const SUITE_DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
const POSSESSION_DST = 'BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_';
/** A line table takes about 100 KiB of bigints: two group keys, signer sets and clients' keys. */
const MAX_CACHED_LINES = 48;
const MAX_CACHED_KEYS = 512;
const MAX_CACHED_MESSAGES = 64;
const MAX_CACHED_SIGNATURES = 128;
const MAX_CACHED_CHECKS = 1024;

type Lines = ReturnType<typeof bls12_381.utils.calcPairingPrecomputes>;

function bad(code: CryptoError['code'], message: string): Result<Uint8Array, CryptoError> {
  return err(codedError('trust', code, message));
}

function secretScalar(secretKey: Uint8Array): bigint {
  assert(secretKey.length === BLS_SECRET_KEY_BYTES, 'a BLS secret key has 32 bytes');
  const scalar = bigintFromBytes(secretKey);
  assert(scalar > 0n && scalar < GROUP_ORDER, 'a BLS secret key is a reduced non-zero scalar');
  return scalar;
}

/** e(signature, −g2) · e(hash, key) = 1. */
function pairingHolds(
  signature: G1Point,
  negatedGenerator: Lines,
  hash: G1Point,
  key: Lines,
): boolean {
  const s = signature.toAffine();
  const h = hash.toAffine();
  const product = bls12_381.millerLoopBatch([
    [negatedGenerator, s.x, s.y],
    [key, h.x, h.y],
  ]);
  const { Fp12 } = bls12_381.fields;
  return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
}

function createCaches() {
  const keys = createLru<G2Point>(MAX_CACHED_KEYS);
  const lines = createLru<Lines>(MAX_CACHED_LINES);
  const hashes = createLru<G1Point>(MAX_CACHED_MESSAGES);
  const signatures = createLru<G1Point>(MAX_CACHED_SIGNATURES);
  let generatorLines: Lines | undefined;

  const keyPoint = (publicKey: Uint8Array): G2Point | undefined => {
    const name = bytesToHex(publicKey);
    const point = keys.get(name) ?? decodeG2(publicKey);
    if (point !== undefined) {
      keys.set(name, point);
    }
    return point;
  };
  return {
    keyPoint,
    rememberKey(publicKey: Uint8Array, point: G2Point): void {
      keys.set(bytesToHex(publicKey), point);
    },
    keyLines(publicKey: Uint8Array): Lines | undefined {
      const name = bytesToHex(publicKey);
      const known = lines.get(name);
      const point = known === undefined ? keyPoint(publicKey) : undefined;
      if (point === undefined) {
        return known;
      }
      const fresh = bls12_381.utils.calcPairingPrecomputes(point);
      lines.set(name, fresh);
      return fresh;
    },
    negatedGeneratorLines(): Lines {
      generatorLines ??= bls12_381.utils.calcPairingPrecomputes(bls12_381.G2.Point.BASE.negate());
      return generatorLines;
    },
    hashToG1(message: Uint8Array, domain: string): G1Point {
      const name = domain + bytesToHex(message.length > 64 ? sha256(message) : message);
      const known = hashes.get(name);
      const point = known ?? bls12_381.shortSignatures.hash(message, domain);
      if (known === undefined) {
        hashes.set(name, point);
      }
      return point;
    },
    signaturePoint(signature: Uint8Array): G1Point | undefined {
      if (signature.length !== BLS_SIGNATURE_BYTES) {
        return undefined;
      }
      const name = bytesToHex(signature);
      const point = signatures.get(name) ?? decodeG1(signature);
      if (point !== undefined) {
        signatures.set(name, point);
      }
      return point;
    },
    rememberSignature(signature: Uint8Array, point: G1Point): void {
      signatures.set(bytesToHex(signature), point);
    },
  };
}

type Caches = ReturnType<typeof createCaches>;

/** Checks a sum of unchecked shares once and encodes it. */
function finishSum(sum: G1Point, caches: Caches): Result<Uint8Array, CryptoError> {
  if (sum.is0() || !sum.isTorsionFree()) {
    return bad('MALFORMED_POINT', 'The shares do not add up to a signature point.');
  }
  const encoded = encodeG1(sum);
  caches.rememberSignature(encoded, sum);
  return ok(encoded);
}

function decodeShares(signatures: readonly Uint8Array[]): readonly G1Point[] | undefined {
  const points: G1Point[] = [];
  for (const signature of signatures) {
    const point = decodeCurvePoint(signature);
    if (point === undefined) {
      return undefined;
    }
    points.push(point);
  }
  return points;
}

function encodeKey(point: G2Point, caches: Caches): Result<Uint8Array, CryptoError> {
  if (point.is0()) {
    return bad('MALFORMED_KEY', 'The keys cancel out.');
  }
  const encoded = point.toBytes();
  caches.rememberKey(encoded, point);
  return ok(encoded);
}

function decodeKeys(keys: readonly Uint8Array[], caches: Caches): readonly G2Point[] | undefined {
  const points: G2Point[] = [];
  for (const key of keys) {
    const point = caches.keyPoint(key);
    if (point === undefined) {
      return undefined;
    }
    points.push(point);
  }
  return points;
}

/** Signing and checking in one suite, told apart by its domain separation tag. */
function createSigner(domain: string, caches: Caches) {
  const checked = createLru<true>(MAX_CACHED_CHECKS);
  return {
    sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
      const point = caches.hashToG1(message, domain).multiply(secretScalar(secretKey));
      const encoded = encodeG1(point);
      caches.rememberSignature(encoded, point);
      return encoded;
    },
    verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
      if (publicKey.length !== BLS_PUBLIC_KEY_BYTES || signature.length !== BLS_SIGNATURE_BYTES) {
        return false;
      }
      const check = bytesToHex(sha256(publicKey, signature, message));
      if (checked.get(check) === true) {
        return true;
      }
      const point = caches.signaturePoint(signature);
      const key = point === undefined ? undefined : caches.keyLines(publicKey);
      if (point === undefined || key === undefined) {
        return false;
      }
      const hash = caches.hashToG1(message, domain);
      const holds = pairingHolds(point, caches.negatedGeneratorLines(), hash, key);
      if (holds) {
        checked.set(check, true);
      }
      return holds;
    },
  };
}

type KeySums = Pick<
  BlsSuite,
  | 'aggregatePublicKeys'
  | 'evaluatePublicShare'
  | 'multiplyPublicKey'
  | 'linearCombination'
  | 'combinePublicKeys'
>;

/** Sums and products of public keys. */
function createKeySums(caches: Caches): KeySums {
  return {
    aggregatePublicKeys(publicKeys) {
      const points = decodeKeys(publicKeys, caches);
      return points === undefined || points.length === 0
        ? bad('MALFORMED_KEY', 'A public key is malformed.')
        : encodeKey(sumG2(points), caches);
    },
    evaluatePublicShare(coefficients, index) {
      const points = decodeKeys(coefficients, caches);
      return points === undefined
        ? bad('MALFORMED_KEY', 'A public coefficient is malformed.')
        : encodeKey(evaluateG2(points, BigInt(index) + 1n), caches);
    },
    multiplyPublicKey(publicKey, scalar) {
      const point = caches.keyPoint(publicKey);
      return point === undefined
        ? bad('MALFORMED_KEY', 'A public key is malformed.')
        : ok(point.multiply(secretScalar(scalar)).toBytes());
    },
    linearCombination(terms) {
      const points: G2Point[] = [];
      for (const { publicKey } of terms) {
        const point = publicKey === null ? bls12_381.G2.Point.BASE : caches.keyPoint(publicKey);
        if (point === undefined) {
          return bad('MALFORMED_KEY', 'A public key is malformed.');
        }
        points.push(point);
      }
      const scalars = terms.map((term) => term.scalar);
      // Commitments of proofs, seen once: they would only push keys out of the cache.
      const sum = linearCombinationG2(points, scalars);
      return sum.is0() ? bad('MALFORMED_KEY', 'The keys cancel out.') : ok(sum.toBytes());
    },
    combinePublicKeys(shares) {
      const indexes = shares.map((share) => share.index);
      if (shares.length === 0 || new Set(indexes).size !== indexes.length) {
        return bad('DUPLICATE_SIGNER', 'Keys to combine must have distinct owners.');
      }
      const points = decodeKeys(
        shares.map((share) => share.publicKey),
        caches,
      );
      return points === undefined
        ? bad('MALFORMED_KEY', 'A public key is malformed.')
        : encodeKey(interpolateG2(indexes, points), caches);
    },
  };
}

/** A backend with caches of its own: one per node, or one shared where a tab may verify once for all. */
export function createNobleBls(): BlsSuite {
  const caches = createCaches();
  const { sign, verify } = createSigner(SUITE_DST, caches);
  const possession = createSigner(POSSESSION_DST, caches);

  return {
    name: 'noble-bls12-381',
    publicKey: (secretKey) => bls12_381.G2.Point.BASE.multiply(secretScalar(secretKey)).toBytes(),
    sign,
    verify,
    aggregateSignatures(signatures) {
      const points = decodeShares(signatures);
      return points === undefined
        ? bad('MALFORMED_POINT', 'A signature share is no point of the curve.')
        : finishSum(sumG1(points), caches);
    },
    combineShares(shares) {
      const indexes = shares.map((share) => share.index);
      if (shares.length === 0 || new Set(indexes).size !== indexes.length) {
        return bad('DUPLICATE_SIGNER', 'Shares to combine must have distinct signers.');
      }
      const points = decodeShares(shares.map((share) => share.signature));
      return points === undefined
        ? bad('MALFORMED_POINT', 'A signature share is no point of the curve.')
        : finishSum(interpolateG1(indexes, points), caches);
    },
    provePossession(secretKey) {
      const publicKey = bls12_381.G2.Point.BASE.multiply(secretScalar(secretKey)).toBytes();
      return possession.sign(secretKey, publicKey);
    },
    verifyPossession: (publicKey, proof) => possession.verify(publicKey, publicKey, proof),
    ...createKeySums(caches),
  };
}
