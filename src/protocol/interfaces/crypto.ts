import type { Result } from '../../base/result.ts';
import type { CodedError } from '../../base/result.ts';
import type { DkgConfig, DkgDealing } from '../types/dkg.ts';
import type { ThresholdTranscript } from '../types/genesis.ts';
import type { HashHex, Height, NodeId } from '../types/ids.ts';
import type { DkgScheme, NodeRecords, ShareOpening } from './dkg.ts';

/**
 * The two cryptographic ports of the core. Real implementation: `protocol/crypto/` (noble);
 * `insecure-test-crypto` implements the same ports for simulations, and the worker host refuses it.
 */

/** Thrown away by nobody: every failed check names its reason. */
export type CryptoErrorCode =
  | 'MALFORMED_POINT'
  | 'MALFORMED_KEY'
  | 'BAD_SIGNATURE'
  | 'NOT_ENOUGH_SHARES'
  | 'UNKNOWN_SIGNER'
  | 'DUPLICATE_SIGNER';
export type CryptoError = CodedError<CryptoErrorCode>;

/**
 * BLS12-381 as on the IC: signatures in G1 (48 bytes), keys in G2 (96 bytes), suite
 * BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_. Messages are already domain separated.
 */
export interface BlsBackend {
  readonly name: string;
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** True only for a canonical, subgroup-checked, valid signature; malformed bytes give false. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** Sum of signatures (multi-signature on one message). */
  aggregateSignatures(signatures: readonly Uint8Array[]): Result<Uint8Array, CryptoError>;
  aggregatePublicKeys(publicKeys: readonly Uint8Array[]): Result<Uint8Array, CryptoError>;
  /** Lagrange combination at 0 of shares whose evaluation points are `index + 1`. */
  combineShares(
    shares: readonly { readonly index: number; readonly signature: Uint8Array }[],
  ): Result<Uint8Array, CryptoError>;
}

/** A share with its signer, as gossip brings it: not yet verified. */
export interface SignatureShare {
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

/** Outcome of aggregate-first verification: the combined signature, or who lied. */
export type CombineOutcome =
  | {
      readonly kind: 'combined';
      readonly signature: Uint8Array;
      readonly signers: readonly NodeId[];
    }
  | { readonly kind: 'liars'; readonly liars: readonly NodeId[] };

export type ThresholdTag = 'low' | 'high';

/** The two threshold keys of a subnet at one time. */
export interface ThresholdTranscripts {
  readonly low: ThresholdTranscript;
  readonly high: ThresholdTranscript;
}

/** What one node does in a distributed key generation, with its secrets. */
export interface NodeDkg {
  readonly scheme: DkgScheme['name'];
  /** Undefined when this node has no share of the key that is to be reshared. */
  deal(config: DkgConfig, records: NodeRecords): Uint8Array | undefined;
  verifyDealing: DkgScheme['verifyDealing'];
  openShare(config: DkgConfig, records: NodeRecords, dealing: DkgDealing): ShareOpening;
  verifyComplaint: DkgScheme['verifyComplaint'];
  combineDealings: DkgScheme['combineDealings'];
  combineShares: DkgScheme['combineShares'];
}

/**
 * What one node can sign and check, bound to its keys and the subnet's public keys. All messages
 * are the signed bytes including their domain separator.
 */
export interface NodeCrypto {
  readonly nodeId: NodeId;
  /** Ed25519 with the node key. */
  signBasic(message: Uint8Array): Uint8Array;
  verifyBasic(signer: NodeId, message: Uint8Array, signature: Uint8Array): boolean;
  /** BLS multi-signature share with the committee key (notarization, finalization). */
  signMulti(message: Uint8Array): Uint8Array;
  verifyMultiShare(signer: NodeId, message: Uint8Array, signature: Uint8Array): boolean;
  /** Aggregates first, verifies once, searches the liars only on failure. Needs at least `threshold` shares. */
  combineMulti(
    message: Uint8Array,
    shares: readonly SignatureShare[],
    threshold: number,
  ): CombineOutcome;
  verifyMulti(message: Uint8Array, signers: readonly NodeId[], signature: Uint8Array): boolean;
  /** Threshold share; undefined when this node is not in the transcript. */
  signThreshold(tag: ThresholdTag, message: Uint8Array): Uint8Array | undefined;
  verifyThresholdShare(
    tag: ThresholdTag,
    signer: NodeId,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean;
  combineThreshold(
    tag: ThresholdTag,
    message: Uint8Array,
    shares: readonly SignatureShare[],
  ): CombineOutcome;
  verifyThreshold(tag: ThresholdTag, message: Uint8Array, signature: Uint8Array): boolean;
  /** A signature by the key of any subnet. @param publicKeyDer DER, 133 bytes; another length gives false */
  verifySubnetSignature(
    publicKeyDer: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean;
  /** Shares needed: low f+1, high n−f. */
  thresholdOf(tag: ThresholdTag): number;
  /** The subnet public key as DER (133 bytes): high-threshold key. */
  readonly subnetPublicKeyDer: Uint8Array;
  /**
   * With the threshold keys in force at a height. In consensus they follow the summaries; anywhere
   * else they are the ones this object is bound to.
   */
  at(height: Height): NodeCrypto;
  /** False while the keys of the height are not known yet: nothing can be judged then. */
  readonly hasThresholdKeys: boolean;
  /** With other threshold keys; this node signs with the shares it has loaded. */
  bind(transcripts: ThresholdTranscripts): NodeCrypto;
  shareOf(transcript: ThresholdTranscript): Uint8Array | undefined;
  loadShare(transcriptId: HashHex, share: Uint8Array): void;
  /** Overwrites and forgets every other share. */
  keepShares(transcriptIds: ReadonlySet<HashHex>): void;
  readonly dkg: NodeDkg;
}

/** Measured by the host around the core: counts, never time. */
export interface CryptoCounters {
  readonly blsSign: number;
  readonly blsVerify: number;
  readonly blsCombine: number;
  readonly ed25519Sign: number;
  readonly ed25519Verify: number;
}
