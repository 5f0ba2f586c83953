import type { Result } from '../../base/result.ts';
import type { BlsBackend, CryptoError } from '../interfaces/crypto.ts';

export interface KeyTerm {
  readonly publicKey: Uint8Array | null;
  readonly scalar: bigint;
}

/** What the dealer and single-share checks need beyond the port the node uses. */
export interface BlsSuite extends BlsBackend {
  /** Proof of possession of a committee key, 48 bytes; keeps rogue keys out of multi-signatures. */
  provePossession(secretKey: Uint8Array): Uint8Array;
  verifyPossession(publicKey: Uint8Array, proof: Uint8Array): boolean;
  /** The public key of share `index` from the polynomial's public coefficients. */
  evaluatePublicShare(
    coefficients: readonly Uint8Array[],
    index: number,
  ): Result<Uint8Array, CryptoError>;
  /**
   * scalar · key in the group of keys. The scalar may be a secret, and so may the product (a
   * Diffie–Hellman point): it stays in no cache.
   * @param scalar 32 big-endian bytes, reduced and not zero.
   */
  multiplyPublicKey(publicKey: Uint8Array, scalar: Uint8Array): Result<Uint8Array, CryptoError>;
  /** Σ scalar · key; null = the generator. Variable time: for public scalars in 1 … r − 1 only. */
  linearCombination(terms: readonly KeyTerm[]): Result<Uint8Array, CryptoError>;
  /**
   * Lagrange combination at 0 of keys whose evaluation points are `index + 1`: what `combineShares`
   * is to signatures. Variable time: keys are public.
   */
  combinePublicKeys(
    shares: readonly { readonly index: number; readonly publicKey: Uint8Array }[],
  ): Result<Uint8Array, CryptoError>;
}

/** Signatures of single nodes. */
export interface BasicBackend {
  /** Raw public key, 32 bytes, of a 32-byte secret key. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** One choice of algorithms for a whole subnet; its name stands in the genesis. */
export interface CryptoSuite {
  readonly name: 'bls12-381' | 'insecure-test-crypto';
  readonly bls: BlsSuite;
  readonly basic: BasicBackend;
}

export const BLS_SECRET_KEY_BYTES = 32;
export const BLS_PUBLIC_KEY_BYTES = 96;
export const BLS_SIGNATURE_BYTES = 48;
export const ED25519_SIGNATURE_BYTES = 64;
/** Order r of the BLS12-381 groups. */
export const GROUP_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
