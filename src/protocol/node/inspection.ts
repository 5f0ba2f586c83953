import type { PoolReader } from '../artifact-pool/artifact-pool.ts';
import { blockFacts } from '../consensus/trace-facts.ts';
import { decodeIngress } from '../ingress/signed-ingress.ts';
import type { BlockFacts } from '../interfaces/trace.ts';
import { committeeThreshold } from '../registry/committee.ts';
import { encodeArtifact } from '../types/artifact-codec.ts';
import type { Artifact, ArtifactKind, BlockProposal } from '../types/artifacts.ts';
import { bytesToHex } from '../../base/hex.ts';
import type { HashHex, Height, NodeId, PrincipalId } from '../types/ids.ts';
import type { PublicSubnet } from './public-subnet.ts';

/** Looking into the validated pool of a node, for people. Read only; plain data out. */

export type InspectableKind =
  | 'block'
  | 'notarization'
  | 'finalization'
  | 'randomBeacon'
  | 'randomTape'
  | 'catchUpPackage'
  | 'certification';

/** `hash` is the hash of the block; without it the first artifact of the height is meant. */
export interface ArtifactQuery {
  readonly kind: InspectableKind;
  readonly height: Height;
  readonly hash?: HashHex;
}

export interface ArtifactFacts {
  readonly kind: InspectableKind;
  readonly height: Height;
  readonly hash: HashHex | null;
  readonly signers: readonly NodeId[];
  readonly signatureHex: string;
  readonly threshold: number;
  readonly encodedBytes: number;
}

export interface IngressSummary {
  readonly messageId: string;
  readonly sender: PrincipalId;
  readonly canisterId: PrincipalId;
  readonly methodName: string;
  readonly argBytes: number;
}

const POOL_KIND: Readonly<Record<InspectableKind, ArtifactKind>> = {
  block: 'blockProposal',
  notarization: 'notarization',
  finalization: 'finalization',
  randomBeacon: 'randomBeacon',
  randomTape: 'randomTape',
  catchUpPackage: 'catchUpPackage',
  certification: 'certification',
};

/** The hash by which people know the artifact: of the block, of the beacon, of the state. */
function shownHash(artifact: Artifact): HashHex | null {
  switch (artifact.kind) {
    case 'blockProposal':
    case 'catchUpPackage':
      return artifact.block.blockHash;
    case 'notarization':
    case 'finalization':
      return artifact.blockHash;
    case 'randomBeacon':
      return artifact.hash;
    case 'certification':
      return artifact.root;
    default:
      return null;
  }
}

/** The artifact in the validated pool, encoded as it travels; null when it is not held. */
export function findArtifact(pool: PoolReader, query: ArtifactQuery): Uint8Array | null {
  const held: readonly Artifact[] = pool.validated.at(POOL_KIND[query.kind], query.height);
  const { hash } = query;
  const found = held.find((artifact) => hash === undefined || shownHash(artifact) === hash);
  // The genesis package is agreed on by configuration and carries no signature.
  return found === undefined || (found.kind === 'catchUpPackage' && found.height === 0)
    ? null
    : encodeArtifact(found);
}

/** The height of a held block proposal. */
export function findBlockHeight(pool: PoolReader, blockHash: HashHex): Height | null {
  for (const height of pool.validated.heights('blockProposal').toReversed()) {
    const here = pool.validated.at('blockProposal', height);
    if (here.some((proposal) => proposal.block.blockHash === blockHash)) {
      return height;
    }
  }
  return null;
}

const KIND_OF: Partial<Record<ArtifactKind, InspectableKind>> = Object.fromEntries(
  Object.entries(POOL_KIND).map(([shown, kind]) => [kind, shown]),
);

/** Fields of an artifact; null for kinds that are not shown. */
export function describeArtifact(artifact: Artifact, subnet: PublicSubnet): ArtifactFacts | null {
  const kind = KIND_OF[artifact.kind];
  if (kind === undefined || !('signature' in artifact)) {
    return null;
  }
  const signers =
    'signers' in artifact ? artifact.signers : 'signer' in artifact ? [artifact.signer] : [];
  return {
    kind,
    height: artifact.height,
    hash: shownHash(artifact),
    signers,
    signatureHex: bytesToHex(artifact.signature),
    threshold: thresholdOf(kind, artifact.height, subnet),
    encodedBytes: encodeArtifact(artifact).length,
  };
}

function thresholdOf(kind: InspectableKind, height: Height, subnet: PublicSubnet): number {
  const { genesis } = subnet;
  const keys = subnet.intervalAt(height)?.transcripts;
  switch (kind) {
    case 'block':
      return 1;
    case 'notarization':
    case 'finalization':
      return committeeThreshold((subnet.membersAt(height) ?? genesis.nodes).length);
    case 'randomBeacon':
    case 'randomTape':
      return (keys?.low.key ?? genesis.lowTranscript).threshold;
    case 'catchUpPackage':
    case 'certification':
      return (keys?.high.key ?? genesis.highTranscript).threshold;
  }
}

/** What a block proposal says and carries. */
export function describeBlock(proposal: BlockProposal): {
  readonly facts: BlockFacts;
  readonly ingress: readonly IngressSummary[];
} {
  const { block, signer } = proposal;
  const envelopes = block.payload.kind === 'data' ? block.payload.batch.ingress : [];
  const ingress = envelopes.flatMap((envelope): readonly IngressSummary[] => {
    const decoded = decodeIngress(envelope);
    if (!decoded.ok) {
      return [];
    }
    const { messageId, sender, canisterId, methodName, arg } = decoded.value.message;
    return [{ messageId, sender, canisterId, methodName, argBytes: arg.length }];
  });
  return { facts: blockFacts(block, signer), ingress };
}
