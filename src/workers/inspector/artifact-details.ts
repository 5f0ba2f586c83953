import { bytesToHex } from '../../base/hex.ts';
import { decodeArtifact } from '../../protocol/types/artifact-codec.ts';
import type { Artifact, ArtifactKind } from '../../protocol/types/artifacts.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { ArtifactDetails, ArtifactReference, InspectableKind } from '../../wire/network.ts';

/** Encoded artifacts of one kind and height, as one node holds them. */
export interface HeldArtifacts {
  readonly nodeId: NodeId;
  readonly encoded: readonly Uint8Array[];
}

/** An artifact and everyone who holds it. */
export interface FoundArtifact {
  readonly artifact: Artifact;
  readonly encodedBytes: number;
  readonly heldBy: readonly NodeId[];
}

/** The pool's name of what the page calls by its role. */
export const ARTIFACT_KIND_OF: Readonly<Record<InspectableKind, ArtifactKind>> = {
  block: 'blockProposal',
  notarization: 'notarization',
  finalization: 'finalization',
  randomBeacon: 'randomBeacon',
  randomTape: 'randomTape',
  catchUpPackage: 'catchUpPackage',
  certification: 'certification',
};

/** What the reference means by `hash`. */
export function subjectHash(artifact: Artifact): string | null {
  switch (artifact.kind) {
    case 'blockProposal':
    case 'catchUpPackage':
      return artifact.block.blockHash;
    case 'notarization':
    case 'finalization':
      return artifact.blockHash;
    case 'certification':
      return artifact.root;
    case 'randomBeacon':
      return artifact.hash;
    default:
      return null;
  }
}

/** Finds the artifact among what the nodes hold; what does not decode counts as not held. */
export function findArtifact(
  reference: ArtifactReference,
  held: readonly HeldArtifacts[],
): FoundArtifact | undefined {
  let found: FoundArtifact | undefined;
  for (const { nodeId, encoded } of held) {
    for (const bytes of encoded) {
      const decoded = decodeArtifact(bytes);
      if (!decoded.ok || !isMeant(reference, decoded.value)) {
        continue;
      }
      if (found === undefined) {
        found = { artifact: decoded.value, encodedBytes: bytes.length, heldBy: [nodeId] };
      } else if (found.artifact.hash === decoded.value.hash) {
        found = { ...found, heldBy: [...found.heldBy, nodeId] };
      }
    }
  }
  return found;
}

function isMeant(reference: ArtifactReference, artifact: Artifact): boolean {
  return (
    artifact.kind === ARTIFACT_KIND_OF[reference.kind] &&
    artifact.height === reference.height &&
    (reference.hash === undefined || reference.hash === subjectHash(artifact))
  );
}

export interface Thresholds {
  readonly notarization: number;
  readonly low: number;
  readonly high: number;
}

/** The fields the page shows of an artifact. */
export function describeArtifact(
  kind: InspectableKind,
  found: FoundArtifact,
  thresholds: Thresholds,
): ArtifactDetails {
  const { artifact, encodedBytes, heldBy } = found;
  return {
    kind,
    height: artifact.height,
    hash: subjectHash(artifact) as ArtifactDetails['hash'],
    signers: signersOf(artifact),
    signatureHex: 'signature' in artifact ? bytesToHex(artifact.signature) : '',
    threshold: thresholdOf(kind, thresholds),
    encodedBytes,
    heldBy,
  };
}

function signersOf(artifact: Artifact): readonly NodeId[] {
  if ('signers' in artifact) {
    return artifact.signers;
  }
  return 'signer' in artifact ? [artifact.signer] : [];
}

export function thresholdOf(kind: InspectableKind, thresholds: Thresholds): number {
  switch (kind) {
    case 'block':
      return 1;
    case 'notarization':
    case 'finalization':
      return thresholds.notarization;
    case 'randomBeacon':
    case 'randomTape':
      return thresholds.low;
    case 'catchUpPackage':
    case 'certification':
      return thresholds.high;
  }
}
