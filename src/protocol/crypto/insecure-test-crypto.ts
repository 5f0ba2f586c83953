import { concatBytes, equalBytes } from '../../base/bytes.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { hexOfRange } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { CryptoError } from '../interfaces/crypto.ts';
import { lagrangeAtZero } from './lagrange.ts';
import {
  bigintFromBytes,
  evaluatePolynomial,
  invertScalar,
  mod,
  scalarToBytes,
} from './scalars.ts';
import { sha256 } from './sha256.ts';
import type { BasicBackend, BlsSuite, CryptoSuite } from './suite.ts';
import { BLS_PUBLIC_KEY_BYTES, BLS_SIGNATURE_BYTES, GROUP_ORDER } from './suite.ts';

/**
 * INSECURE: for simulations only; anybody can forge. BLS without the curve: the "public key" of a
 * scalar is the scalar itself and a signature is scalar · H(message) modulo the group order. All of
 * BLS's algebra (sums, interpolation, proofs, liars that are found) stays as it is, at the price of
 * a hash. The worker host refuses it; a client's certificate check fails on it.
 */
const KEY_MARK = markOf('INSECURE TEST KEY, NOT ON ANY CURVE', BLS_PUBLIC_KEY_BYTES - 32);
const SIGNATURE_MARK = markOf('INSECURE TESTSIG', BLS_SIGNATURE_BYTES - 32);
const POSSESSION = encodeUtf8('insecure possession');
const BASIC_KEY = encodeUtf8('insecure basic key');

function markOf(text: string, length: number): Uint8Array {
  const mark = new Uint8Array(length);
  mark.set(encodeUtf8(text).subarray(0, length));
  return mark;
}

interface HashedMessage {
  readonly message: Uint8Array;
  readonly scalar: bigint;
}

/** All nodes of a simulation sign and check the same few messages at about the same time. */
const KEPT_MESSAGES = 16;
const hashed: HashedMessage[] = [];
let oldest = 0;

function hashToScalar(message: Uint8Array): bigint {
  const known = hashed.find((one) => isSameMessage(one.message, message));
  if (known !== undefined) {
    return known.scalar;
  }
  const scalar = mod(bigintFromBytes(sha256(message)));
  // A copy: whoever gave the message may write to it.
  hashed[oldest] = { message: message.slice(), scalar };
  oldest = (oldest + 1) % KEPT_MESSAGES;
  return scalar;
}

/** From the end: messages begin alike. */
function isSameMessage(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let i = a.length - 1; i >= 0; i -= 1) {
    if (a[i] !== b[i]) {
      return false;
    }
  }
  return true;
}

function encodeMarked(mark: Uint8Array, scalar: bigint): Uint8Array {
  return concatBytes(mark, scalarToBytes(scalar));
}

function beginsWith(bytes: Uint8Array, mark: Uint8Array): boolean {
  for (let i = 0; i < mark.length; i += 1) {
    if (bytes[i] !== mark[i]) {
      return false;
    }
  }
  return true;
}

function decodeMarked(mark: Uint8Array, bytes: Uint8Array): bigint | undefined {
  if (bytes.length !== mark.length + 32 || !beginsWith(bytes, mark)) {
    return undefined;
  }
  const scalar = BigInt(`0x${hexOfRange(bytes, mark.length, bytes.length)}`);
  return scalar > 0n && scalar < GROUP_ORDER ? scalar : undefined;
}

function decodeAll(mark: Uint8Array, items: readonly Uint8Array[]): readonly bigint[] | undefined {
  const scalars: bigint[] = [];
  for (const item of items) {
    const scalar = decodeMarked(mark, item);
    if (scalar === undefined) {
      return undefined;
    }
    scalars.push(scalar);
  }
  return scalars;
}

function finish(
  mark: Uint8Array,
  scalars: readonly bigint[] | undefined,
  weights?: readonly bigint[],
): Result<Uint8Array, CryptoError> {
  if (scalars === undefined || scalars.length === 0) {
    return err(codedError('trust', 'MALFORMED_POINT', 'A test key or signature is malformed.'));
  }
  let total = 0n;
  for (let i = 0; i < scalars.length; i += 1) {
    const scalar = scalars[i] as bigint;
    total += weights === undefined ? scalar : scalar * (weights[i] as bigint);
  }
  const sum = mod(total);
  return sum === 0n
    ? err(codedError('trust', 'MALFORMED_POINT', 'The test signatures cancel out.'))
    : ok(encodeMarked(mark, sum));
}

/** A subnet has few sets of signers, and their weights cost more than everything else here. */
const knownWeights = createLru<readonly bigint[]>(4096);

function lagrangeWeights(indexes: readonly number[]): readonly bigint[] {
  const key = indexes.join();
  const known = knownWeights.get(key);
  if (known !== undefined) {
    return known;
  }
  const weights = computeWeights(indexes);
  knownWeights.set(key, weights);
  return weights;
}

function computeWeights(indexes: readonly number[]): readonly bigint[] {
  const { numerators, denominator } = lagrangeAtZero(indexes);
  const inverse = invertScalar(denominator);
  return numerators.map((numerator) => mod(numerator * inverse));
}

const insecureBls: BlsSuite = {
  name: 'insecure-test-crypto',
  publicKey: (secretKey) => encodeMarked(KEY_MARK, bigintFromBytes(secretKey)),
  sign: (secretKey, message) =>
    encodeMarked(SIGNATURE_MARK, mod(bigintFromBytes(secretKey) * hashToScalar(message))),
  verify(publicKey, message, signature) {
    const key = decodeMarked(KEY_MARK, publicKey);
    const value = decodeMarked(SIGNATURE_MARK, signature);
    return key !== undefined && value !== undefined && mod(key * hashToScalar(message)) === value;
  },
  aggregateSignatures: (signatures) =>
    finish(SIGNATURE_MARK, decodeAll(SIGNATURE_MARK, signatures)),
  aggregatePublicKeys: (publicKeys) => finish(KEY_MARK, decodeAll(KEY_MARK, publicKeys)),
  combineShares(unsorted) {
    const shares = unsorted.toSorted((a, b) => a.index - b.index);
    const indexes = shares.map((share) => share.index);
    if (new Set(indexes).size !== indexes.length) {
      return err(
        codedError('trust', 'DUPLICATE_SIGNER', 'Shares to combine must have distinct signers.'),
      );
    }
    return finish(
      SIGNATURE_MARK,
      decodeAll(
        SIGNATURE_MARK,
        shares.map((share) => share.signature),
      ),
      lagrangeWeights(indexes),
    );
  },
  provePossession(secretKey) {
    return insecureBls.sign(secretKey, concatBytes(POSSESSION, insecureBls.publicKey(secretKey)));
  },
  verifyPossession(publicKey, proof) {
    return insecureBls.verify(publicKey, concatBytes(POSSESSION, publicKey), proof);
  },
  evaluatePublicShare(coefficients, index) {
    const scalars = decodeAll(KEY_MARK, coefficients);
    return finish(
      KEY_MARK,
      scalars === undefined ? undefined : [evaluatePolynomial(scalars, BigInt(index) + 1n)],
    );
  },
  multiplyPublicKey: (publicKey, scalar) =>
    finish(KEY_MARK, decodeAll(KEY_MARK, [publicKey]), [bigintFromBytes(scalar)]),
  linearCombination(terms) {
    const scalars: bigint[] = [];
    for (const { publicKey } of terms) {
      const scalar = publicKey === null ? 1n : decodeMarked(KEY_MARK, publicKey);
      if (scalar === undefined) {
        return finish(KEY_MARK, undefined);
      }
      scalars.push(scalar);
    }
    return finish(
      KEY_MARK,
      scalars,
      terms.map((term) => term.scalar),
    );
  },
  combinePublicKeys(shares) {
    const indexes = shares.map((share) => share.index);
    if (new Set(indexes).size !== indexes.length) {
      return err(
        codedError('trust', 'DUPLICATE_SIGNER', 'Keys to combine must have distinct owners.'),
      );
    }
    const keys = shares.map((share) => share.publicKey);
    return finish(KEY_MARK, decodeAll(KEY_MARK, keys), lagrangeWeights(indexes));
  },
};

function basicSignature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const half = sha256(BASIC_KEY, publicKey, message);
  return concatBytes(half, half);
}

const insecureBasic: BasicBackend = {
  publicKey: (secretKey) => sha256(BASIC_KEY, secretKey),
  sign: (secretKey, message) => basicSignature(insecureBasic.publicKey(secretKey), message),
  verify: (publicKey, message, signature) =>
    equalBytes(basicSignature(publicKey, message), signature),
};

export const INSECURE_TEST_SUITE: CryptoSuite = {
  name: 'insecure-test-crypto',
  bls: insecureBls,
  basic: insecureBasic,
};
