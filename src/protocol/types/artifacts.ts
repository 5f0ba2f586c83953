import type { BatchPayload, ValidationContext } from '../interfaces/replica.ts';
import type { DkgConfig, DkgTag, DkgTranscript, DkgTranscripts } from './dkg.ts';
import type { HashHex, Height, NodeId, Rank, RegistryVersion } from './ids.ts';

/**
 * Consensus artifacts: what nodes exchange to agree. Every artifact carries `hash`, the SHA-256 of
 * its canonical encoding; only `sealArtifact` and `decodeArtifact` (artifact-codec.ts) make one, so
 * hash and content always belong together.
 *
 * Upstream: rs/types/types/src/consensus.rs, certification.rs.
 */

interface Sealed<Kind extends string> {
  readonly kind: Kind;
  readonly height: Height;
  readonly hash: HashHex;
}

/** Aggregate low-threshold signature on {height, parent}; its hash is the randomness of the next round. */
export interface RandomBeacon extends Sealed<'randomBeacon'> {
  readonly parent: HashHex;
  readonly signature: Uint8Array;
}
export interface RandomBeaconShare extends Sealed<'randomBeaconShare'> {
  readonly parent: HashHex;
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

/** Aggregate low-threshold signature on the height; its hash is the randomness of the batch. */
export interface RandomTape extends Sealed<'randomTape'> {
  readonly signature: Uint8Array;
}
export interface RandomTapeShare extends Sealed<'randomTapeShare'> {
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

/** Contents of a summary block: start of a DKG interval. */
export interface DkgSummary {
  readonly height: Height;
  /** In force during the interval that begins here. */
  readonly registryVersion: RegistryVersion;
  readonly intervalLength: number;
  readonly nextIntervalLength: number;
  /** The runs of the interval that begins here: one for each tag, or none in an interval too short for any. */
  readonly configs: readonly DkgConfig[];
  readonly currentTranscripts: DkgTranscripts;
  /** What the runs of the past interval made; null = nothing, the current key stays. */
  readonly nextTranscripts: { readonly [T in DkgTag]: DkgTranscript | null };
}

/** What a data block carries of the distributed key generation. */
export interface DkgPayload {
  readonly dealings: readonly SignedDkgDealing[];
  readonly complaints: readonly SignedDkgComplaint[];
}

export type BlockPayload =
  | { readonly kind: 'summary'; readonly summary: DkgSummary }
  /** `dkgStartHeight` is the height of the summary block this block's interval began with. */
  | {
      readonly kind: 'data';
      readonly dkgStartHeight: Height;
      readonly dkg: DkgPayload;
      readonly batch: BatchPayload;
    };

export interface Block {
  readonly height: Height;
  readonly parent: HashHex;
  readonly rank: Rank;
  readonly context: ValidationContext;
  readonly payloadHash: HashHex;
  readonly payload: BlockPayload;
  /** Derived: SHA-256 of the block's header under `block_domain`. */
  readonly blockHash: HashHex;
}

/** A block with the maker's Ed25519 signature on {block hash, height, subnet}. */
export interface BlockProposal extends Sealed<'blockProposal'> {
  readonly block: Block;
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

export interface Notarization extends Sealed<'notarization'> {
  readonly blockHash: HashHex;
  /** Ascending. */
  readonly signers: readonly NodeId[];
  readonly signature: Uint8Array;
}
export interface NotarizationShare extends Sealed<'notarizationShare'> {
  readonly blockHash: HashHex;
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

export interface Finalization extends Sealed<'finalization'> {
  readonly blockHash: HashHex;
  /** Ascending. */
  readonly signers: readonly NodeId[];
  readonly signature: Uint8Array;
}
export interface FinalizationShare extends Sealed<'finalizationShare'> {
  readonly blockHash: HashHex;
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

/** What the signers of a catch-up package vouch for. */
export interface CatchUpContent {
  readonly height: Height;
  readonly blockHash: HashHex;
  readonly beaconHash: HashHex;
  /** Hash of the checkpoint at `height`. */
  readonly stateHash: HashHex;
  readonly oldestRegistryVersion: RegistryVersion | null;
}

/** Everything a node needs to join at `height`: summary block, beacon and state hash, high-threshold signed. */
export interface CatchUpPackage extends Sealed<'catchUpPackage'> {
  readonly block: Block;
  readonly beacon: RandomBeacon;
  readonly stateHash: HashHex;
  readonly oldestRegistryVersion: RegistryVersion | null;
  /** Empty in the genesis package, which is never sent. */
  readonly signature: Uint8Array;
}
export interface CatchUpPackageShare extends Sealed<'catchUpPackageShare'> {
  readonly blockHash: HashHex;
  readonly beaconHash: HashHex;
  readonly stateHash: HashHex;
  readonly oldestRegistryVersion: RegistryVersion | null;
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

/** Two different blocks signed by one maker for one height; `hash1` < `hash2`. */
export interface EquivocationProof extends Sealed<'equivocationProof'> {
  readonly signer: NodeId;
  readonly hash1: HashHex;
  readonly signature1: Uint8Array;
  readonly hash2: HashHex;
  readonly signature2: Uint8Array;
}

/** High-threshold signature on the root of the certified state of a height. */
export interface Certification extends Sealed<'certification'> {
  readonly root: HashHex;
  readonly signature: Uint8Array;
}
export interface CertificationShare extends Sealed<'certificationShare'> {
  readonly root: HashHex;
  readonly signer: NodeId;
  readonly signature: Uint8Array;
}

/** One dealer's dealing of the run that the summary block at `height` lists for the tag. */
export interface SignedDkgDealing extends Sealed<'dkgDealing'> {
  readonly tag: DkgTag;
  readonly signer: NodeId;
  readonly content: Uint8Array;
  /** Ed25519 of the dealer. */
  readonly signature: Uint8Array;
}

/** A receiver's complaint about a dealing of the run that the summary block at `height` lists. */
export interface SignedDkgComplaint extends Sealed<'dkgComplaint'> {
  readonly tag: DkgTag;
  readonly dealer: NodeId;
  readonly signer: NodeId;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
}

export type Artifact =
  | RandomBeacon
  | RandomBeaconShare
  | RandomTape
  | RandomTapeShare
  | BlockProposal
  | Notarization
  | NotarizationShare
  | Finalization
  | FinalizationShare
  | CatchUpPackage
  | CatchUpPackageShare
  | EquivocationProof
  | Certification
  | CertificationShare
  | SignedDkgDealing
  | SignedDkgComplaint;

export type ArtifactKind = Artifact['kind'];
export type ArtifactOf<K extends ArtifactKind> = Extract<Artifact, { readonly kind: K }>;

/** The kinds in wire order: the position is the code on the wire, so append only. */
export const ARTIFACT_KINDS = [
  'randomBeacon',
  'randomBeaconShare',
  'randomTape',
  'randomTapeShare',
  'blockProposal',
  'notarization',
  'notarizationShare',
  'finalization',
  'finalizationShare',
  'catchUpPackage',
  'catchUpPackageShare',
  'equivocationProof',
  'certification',
  'certificationShare',
  'dkgDealing',
  'dkgComplaint',
] as const satisfies readonly ArtifactKind[];

/** Shares by the kind of their aggregate. */
export const SHARE_KINDS = [
  'randomBeaconShare',
  'randomTapeShare',
  'notarizationShare',
  'finalizationShare',
  'catchUpPackageShare',
  'certificationShare',
] as const satisfies readonly ArtifactKind[];

export type ShareArtifact = ArtifactOf<(typeof SHARE_KINDS)[number]>;

/** A share is delivered by its signer only; aggregates are relayed by everybody. */
export function isShare(artifact: Artifact): artifact is ShareArtifact {
  return (SHARE_KINDS as readonly string[]).includes(artifact.kind);
}

/** Delivered by its signer only: shares, and what takes part in a key generation. */
export function isOfOneSigner(
  artifact: Artifact,
): artifact is ShareArtifact | SignedDkgDealing | SignedDkgComplaint {
  return isShare(artifact) || artifact.kind === 'dkgDealing' || artifact.kind === 'dkgComplaint';
}

/** Names an artifact in adverts and pool indices. */
export interface ArtifactId {
  readonly kind: ArtifactKind;
  readonly height: Height;
  readonly hash: HashHex;
}

export function artifactIdOf(artifact: Artifact): ArtifactId {
  return { kind: artifact.kind, height: artifact.height, hash: artifact.hash };
}

/** A map key: equal exactly when kind, height and hash are equal. */
export function artifactKey(id: ArtifactId): string {
  return `${id.kind}/${id.height}/${id.hash}`;
}
