import type { CodedError, Result } from '../../base/result.ts';
import type { Prng } from '../../base/prng.ts';
import type { DkgComplaint, DkgConfig, DkgDealing } from '../types/dkg.ts';
import type { NodeRecord, ThresholdTranscript } from '../types/genesis.ts';
import type { NodeId } from '../types/ids.ts';

/**
 * What a dealing contains and how keys come out of dealings: a plug-in of the DKG that runs through
 * blocks. `feldman` is interactive (a cheated receiver complains); a publicly verifiable scheme
 * never finds a fault in `openShare` and has no complaints to check.
 */

export type DkgErrorCode =
  | 'MALFORMED_DEALING'
  | 'WRONG_DEALER'
  | 'WRONG_THRESHOLD'
  /** A resharing whose constant term is not the dealer's share of the old key. */
  | 'NOT_A_RESHARING'
  | 'MALFORMED_COMPLAINT'
  /** The share the complaint opens is good: the complainer lies. */
  | 'UNFOUNDED_COMPLAINT'
  | 'NOT_ENOUGH_DEALINGS'
  /** The sum of the dealings is no usable key (infinity). */
  | 'DEGENERATE_KEY';
export type DkgError = CodedError<DkgErrorCode>;

/** A dealing as one receiver finds it after decrypting its own piece. */
export type ShareOpening =
  | { readonly kind: 'good'; readonly share: Uint8Array }
  | { readonly kind: 'bad'; readonly complaint: Uint8Array };

/** The secret of a receiver that opens what is dealt to it; the public half stands in its NodeRecord. */
export interface DkgReceiverKey {
  readonly nodeId: NodeId;
  readonly dkgSecretKey: Uint8Array;
}

/** Public keys are looked up by node id at the registry version of the config. */
export type NodeRecords = ReadonlyMap<NodeId, NodeRecord>;

export interface DkgScheme {
  readonly name: 'feldman';
  /** Key pair for receiving dealings: secret 32 bytes, public as it stands in the registry. */
  receiverPublicKey(dkgSecretKey: Uint8Array): Uint8Array;
  /**
   * @param ownShare the dealer's share of `config.resharing`; ignored for a fresh key.
   * @returns the content of the dealing.
   */
  deal(
    config: DkgConfig,
    records: NodeRecords,
    dealer: NodeId,
    ownShare: Uint8Array | null,
    entropy: Prng,
  ): Uint8Array;
  /** What everybody can check: form, degree, and for a resharing the constant term. */
  verifyDealing(
    config: DkgConfig,
    records: NodeRecords,
    dealing: DkgDealing,
  ): Result<void, DkgError>;
  /** What only the receiver can check. The dealing must have passed `verifyDealing`. */
  openShare(
    config: DkgConfig,
    records: NodeRecords,
    dealing: DkgDealing,
    receiver: DkgReceiverKey,
    entropy: Prng,
  ): ShareOpening;
  /** Ok exactly when the complaint proves that the dealing cheated the complainer. */
  verifyComplaint(
    config: DkgConfig,
    records: NodeRecords,
    dealing: DkgDealing,
    complaint: DkgComplaint,
  ): Result<void, DkgError>;
  /**
   * The key of the first `collectionThreshold` dealings in the order of dealers: sum of a fresh
   * key's, Lagrange combination of a resharing's. All must have passed `verifyDealing`, none may
   * have a valid complaint against it.
   */
  combineDealings(
    config: DkgConfig,
    dealings: readonly DkgDealing[],
  ): Result<ThresholdTranscript, DkgError>;
  /** A receiver's share of the key that `combineDealings` gives for the same dealings. */
  combineShares(
    config: DkgConfig,
    dealings: readonly DkgDealing[],
    shares: ReadonlyMap<NodeId, Uint8Array>,
  ): Result<Uint8Array, DkgError>;
}
