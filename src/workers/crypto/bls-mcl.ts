import type { G1, G2, PrecomputedG2 } from 'mcl-wasm';
import { bytesToHex } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { createNobleBls } from '../../protocol/crypto/bls-noble.ts';
import { lagrangeAtZero } from '../../protocol/crypto/lagrange.ts';
import { invertScalar, scalarToBytes } from '../../protocol/crypto/scalars.ts';
import { sha256 } from '../../protocol/crypto/sha256.ts';
import { type BlsSuite, BLS_SIGNATURE_BYTES, type KeyTerm } from '../../protocol/crypto/suite.ts';
import type { CryptoError } from '../../protocol/interfaces/crypto.ts';
import { loadMclEngine, MAX_WASM_MESSAGE_BYTES, type MclEngine } from './mcl-engine.ts';

/**
 * BLS12-381 as on the IC, on mcl compiled to Wasm: the same bytes and the same verdicts as
 * `bls-noble.ts`, whose rules on canonical encodings and unchecked shares hold here as well. What
 * only an attacker brings about (sums outside the subgroup, huge messages) goes to noble.
 */
const SUITE_DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
const POSSESSION_DST = 'BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_';
/** A line table takes 20 KiB of Wasm memory until it is destroyed. */
const MAX_CACHED_LINES = 48;
const MAX_CACHED_KEYS = 512;
const MAX_CACHED_MESSAGES = 64;
const MAX_CACHED_SIGNATURES = 128;
const MAX_CACHED_CHECKS = 1024;

function bad(code: CryptoError['code'], message: string): Result<Uint8Array, CryptoError> {
  return err(codedError('trust', code, message));
}

function createCaches(engine: MclEngine) {
  const keys = createLru<G2>(MAX_CACHED_KEYS);
  const lines = createLru<PrecomputedG2>(MAX_CACHED_LINES, (table) => table.destroy());
  const hashes = createLru<G1>(MAX_CACHED_MESSAGES);
  const signatures = createLru<G1>(MAX_CACHED_SIGNATURES);

  const keyPoint = (publicKey: Uint8Array): G2 | undefined => {
    const name = bytesToHex(publicKey);
    const known = keys.get(name);
    const point = known ?? engine.decodeG2(publicKey);
    if (known === undefined && point !== undefined) {
      keys.set(name, point);
    }
    return point;
  };
  return {
    keyPoint,
    rememberKey(publicKey: Uint8Array, point: G2): void {
      keys.set(bytesToHex(publicKey), point);
    },
    /** Valid until the next call: a later one may push the table out. */
    keyLines(publicKey: Uint8Array): PrecomputedG2 | undefined {
      const name = bytesToHex(publicKey);
      const known = lines.get(name);
      const point = known === undefined ? keyPoint(publicKey) : undefined;
      if (point === undefined) {
        return known;
      }
      const fresh = engine.linesOf(point);
      lines.set(name, fresh);
      return fresh;
    },
    hashToG1(message: Uint8Array, domain: string): G1 {
      const name = domain + bytesToHex(message.length > 64 ? sha256(message) : message);
      const known = hashes.get(name);
      const point = known ?? engine.hashToG1(message, domain);
      if (known === undefined) {
        hashes.set(name, point);
      }
      return point;
    },
    signaturePoint(signature: Uint8Array): G1 | undefined {
      if (signature.length !== BLS_SIGNATURE_BYTES) {
        return undefined;
      }
      const name = bytesToHex(signature);
      const known = signatures.get(name);
      const point = known ?? engine.decodeG1(signature);
      if (known === undefined && point !== undefined) {
        signatures.set(name, point);
      }
      return point;
    },
    encodeSignature(point: G1): Uint8Array {
      const encoded = point.serialize();
      signatures.set(bytesToHex(encoded), point);
      return encoded;
    },
  };
}

type Caches = ReturnType<typeof createCaches>;

function decodeAll<T>(
  encodings: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => T | undefined,
): readonly T[] | undefined {
  const points: T[] = [];
  for (const bytes of encodings) {
    const point = decode(bytes);
    if (point === undefined) {
      return undefined;
    }
    points.push(point);
  }
  return points;
}

/** Additions of one of the two groups. */
interface GroupSums<P> {
  readonly add: (a: P, b: P) => P;
  readonly double: (point: P) => P;
  readonly negate: (point: P) => P;
}

/** Σ scalars·points in plain doublings and additions, which hold outside the subgroup as well. */
function linearCombination<P>(
  { add, double, negate }: GroupSums<P>,
  points: readonly P[],
  scalars: readonly bigint[],
): P | undefined {
  const terms = points.map((point, i) => {
    const scalar = scalars[i] as bigint;
    return scalar < 0n
      ? { point: negate(point), bits: (-scalar).toString(2) }
      : { point, bits: scalar.toString(2) };
  });
  let sum: P | undefined;
  for (let bit = Math.max(...terms.map(({ bits }) => bits.length)); bit > 0; bit -= 1) {
    sum = sum === undefined ? undefined : double(sum);
    for (const { point, bits } of terms) {
      if (bits[bits.length - bit] === '1') {
        sum = sum === undefined ? point : add(sum, point);
      }
    }
  }
  return sum;
}

function encodeKey(point: G2 | undefined, caches: Caches): Result<Uint8Array, CryptoError> {
  if (point === undefined || point.isZero()) {
    return bad('MALFORMED_KEY', 'The keys cancel out.');
  }
  const encoded = point.serialize();
  caches.rememberKey(encoded, point);
  return ok(encoded);
}

type Signer = Pick<BlsSuite, 'sign' | 'verify'>;

/** Signing and checking in one suite, told apart by its domain separation tag. */
function createSigner(engine: MclEngine, caches: Caches, domain: string, noble: Signer): Signer {
  const checked = createLru<true>(MAX_CACHED_CHECKS);
  return {
    sign(secretKey, message) {
      if (message.length > MAX_WASM_MESSAGE_BYTES) {
        return noble.sign(secretKey, message);
      }
      return caches.encodeSignature(engine.multiplyG1(caches.hashToG1(message, domain), secretKey));
    },
    verify(publicKey, message, signature) {
      if (message.length > MAX_WASM_MESSAGE_BYTES) {
        return noble.verify(publicKey, message, signature);
      }
      const check = bytesToHex(sha256(publicKey, signature, message));
      if (checked.get(check) === true) {
        return true;
      }
      const point = caches.signaturePoint(signature);
      const lines = point === undefined ? undefined : caches.keyLines(publicKey);
      if (point === undefined || lines === undefined) {
        return false;
      }
      const holds = engine.pairingHolds(point, caches.hashToG1(message, domain), lines);
      if (holds) {
        checked.set(check, true);
      }
      return holds;
    },
  };
}

/** Sums and products of public keys: DKG and multi-signatures. */
function createKeySums(engine: MclEngine, caches: Caches) {
  const g2 = { add: engine.addG2, double: engine.doubleG2, negate: engine.negateG2 };
  return {
    aggregatePublicKeys(publicKeys: readonly Uint8Array[]): Result<Uint8Array, CryptoError> {
      const points = decodeAll(publicKeys, caches.keyPoint);
      return points === undefined || points.length === 0
        ? bad('MALFORMED_KEY', 'A public key is malformed.')
        : encodeKey(points.reduce(engine.addG2), caches);
    },
    multiplyPublicKey(publicKey: Uint8Array, scalar: Uint8Array): Result<Uint8Array, CryptoError> {
      const point = caches.keyPoint(publicKey);
      return point === undefined
        ? bad('MALFORMED_KEY', 'A public key is malformed.')
        : ok(engine.multiplyG2(point, scalar).serialize());
    },
    linearCombination(terms: readonly KeyTerm[]): Result<Uint8Array, CryptoError> {
      let sum: G2 | undefined;
      for (const { publicKey, scalar } of terms) {
        const point = publicKey === null ? engine.generator : caches.keyPoint(publicKey);
        if (point === undefined) {
          return bad('MALFORMED_KEY', 'A public key is malformed.');
        }
        const product = engine.multiplyG2(point, scalarToBytes(scalar));
        sum = sum === undefined ? product : engine.addG2(sum, product);
      }
      // Commitments of proofs, seen once: they would only push keys out of the cache.
      return sum === undefined || sum.isZero()
        ? bad('MALFORMED_KEY', 'The keys cancel out.')
        : ok(sum.serialize());
    },
    combinePublicKeys(
      shares: readonly { readonly index: number; readonly publicKey: Uint8Array }[],
    ): Result<Uint8Array, CryptoError> {
      const indexes = shares.map((share) => share.index);
      if (shares.length === 0 || new Set(indexes).size !== indexes.length) {
        return bad('DUPLICATE_SIGNER', 'Keys to combine must have distinct owners.');
      }
      const keys = shares.map((share) => share.publicKey);
      const points = decodeAll(keys, caches.keyPoint);
      if (points === undefined) {
        return bad('MALFORMED_KEY', 'A public key is malformed.');
      }
      const { numerators, denominator } = lagrangeAtZero(indexes);
      const sum = linearCombination(g2, points, numerators);
      return encodeKey(
        sum === undefined || denominator === 1n
          ? sum
          : engine.multiplyG2(sum, scalarToBytes(invertScalar(denominator))),
        caches,
      );
    },
    evaluatePublicShare(
      coefficients: readonly Uint8Array[],
      index: number,
    ): Result<Uint8Array, CryptoError> {
      const points = decodeAll(coefficients, caches.keyPoint);
      if (points === undefined) {
        return bad('MALFORMED_KEY', 'A public coefficient is malformed.');
      }
      const x = scalarToBytes(BigInt(index) + 1n);
      const value = points.reduceRight<G2 | undefined>(
        (sum, point) =>
          sum === undefined ? point : engine.addG2(engine.multiplyG2(sum, x), point),
        undefined,
      );
      return encodeKey(value, caches);
    },
  };
}

function createSums(engine: MclEngine, caches: Caches, noble: BlsSuite) {
  const g1 = { add: engine.addG1, double: engine.doubleG1, negate: engine.negateG1 };
  return {
    aggregateSignatures(signatures: readonly Uint8Array[]): Result<Uint8Array, CryptoError> {
      const points = decodeAll(signatures, engine.decodeCurvePoint);
      if (points === undefined) {
        return bad('MALFORMED_POINT', 'A signature share is no point of the curve.');
      }
      const sum = points.length === 0 ? undefined : points.reduce(engine.addG1);
      return sum === undefined || sum.isZero() || !sum.isValidOrder()
        ? bad('MALFORMED_POINT', 'The shares do not add up to a signature point.')
        : ok(caches.encodeSignature(sum));
    },
    combineShares(
      shares: readonly { readonly index: number; readonly signature: Uint8Array }[],
    ): Result<Uint8Array, CryptoError> {
      const indexes = shares.map((share) => share.index);
      if (shares.length === 0 || new Set(indexes).size !== indexes.length) {
        return bad('DUPLICATE_SIGNER', 'Shares to combine must have distinct signers.');
      }
      const encodings = shares.map((share) => share.signature);
      const points = decodeAll(encodings, engine.decodeCurvePoint);
      if (points === undefined) {
        return bad('MALFORMED_POINT', 'A signature share is no point of the curve.');
      }
      const { numerators, denominator } = lagrangeAtZero(indexes);
      const sum = linearCombination(g1, points, numerators);
      if (sum === undefined || sum.isZero() || !sum.isValidOrder()) {
        return noble.combineShares(shares);
      }
      return ok(
        caches.encodeSignature(
          denominator === 1n
            ? sum
            : engine.multiplyG1(sum, scalarToBytes(invertScalar(denominator))),
        ),
      );
    },
  };
}

/**
 * A backend with caches of its own. Rejects where Wasm is blocked. The engine under it is shared
 * by all backends of the worker.
 */
export async function createMclBls(): Promise<BlsSuite> {
  const engine = await loadMclEngine();
  const noble = createNobleBls();
  const caches = createCaches(engine);
  const publicKey = (secretKey: Uint8Array): Uint8Array =>
    engine.multiplyG2(engine.generator, secretKey).serialize();
  const signer = createSigner(engine, caches, SUITE_DST, noble);
  // Possession is proved over a public key, 96 bytes: the path for long messages is never taken.
  const possession = createSigner(engine, caches, POSSESSION_DST, noble);
  return {
    name: 'mcl-bls12-381',
    publicKey,
    sign: signer.sign,
    verify: signer.verify,
    ...createSums(engine, caches, noble),
    ...createKeySums(engine, caches),
    provePossession: (secretKey) => possession.sign(secretKey, publicKey(secretKey)),
    verifyPossession: (key, proof) =>
      key.length <= MAX_WASM_MESSAGE_BYTES && possession.verify(key, key, proof),
  };
}
