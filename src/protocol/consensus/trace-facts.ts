import { unreachable } from '../../base/assert.ts';
import type { AppliedMutations } from '../artifact-pool/artifact-pool.ts';
import type { BlockFacts, ShareKind, TraceEvent } from '../interfaces/trace.ts';
import type {
  Artifact,
  ArtifactOf,
  Block,
  BlockProposal,
  ShareArtifact,
} from '../types/artifacts.ts';
import { isShare } from '../types/artifacts.ts';
import { payloadSizeBytes } from '../types/block-codec.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import type { NewlyFinalized } from './finalized-chain.ts';
import type { Membership } from './membership.ts';

/** What changes of the pool mean to an onlooker. */

const TRACE_SHARE_KIND: Readonly<Record<ShareArtifact['kind'], ShareKind>> = {
  randomBeaconShare: 'beacon',
  randomTapeShare: 'tape',
  notarizationShare: 'notarization',
  finalizationShare: 'finalization',
  certificationShare: 'certification',
  catchUpPackageShare: 'catchUpPackage',
};

export function blockFacts(block: Block, maker: NodeId): BlockFacts {
  return {
    height: block.height,
    hash: block.blockHash,
    parent: block.parent,
    rank: block.rank,
    maker,
    timeNs: block.context.timeNs,
    ingress: block.payload.kind === 'data' ? block.payload.batch.ingress.length : 0,
    payloadBytes: payloadSizeBytes(block.payload),
    isSummary: block.payload.kind === 'summary',
    certifiedHeight: block.context.certifiedHeight,
  };
}

export function traceOfApplied(
  applied: AppliedMutations['applied'],
  membership: Membership,
): readonly TraceEvent[] {
  const facts: TraceEvent[] = [];
  for (const { action, entry } of applied) {
    if (action.kind === 'addToValidated' || action.kind === 'moveToValidated') {
      const isOwn = action.kind === 'addToValidated';
      facts.push(...traceOfValidated(action.artifact, isOwn, membership));
    } else if (action.kind === 'handleInvalid') {
      const from = entry?.from ?? null;
      facts.push(...traceOfInvalid(action.artifact, action.code, action.message, from));
    }
  }
  return facts;
}

function traceOfInvalid(
  artifact: Artifact,
  code: string,
  message: string,
  from: NodeId | null,
): readonly TraceEvent[] {
  const { kind, height } = artifact;
  return [{ kind: 'artifactRejected', artifact: kind, height, from, code, message }];
}

function traceOfValidated(
  artifact: Artifact,
  own: boolean,
  membership: Membership,
): readonly TraceEvent[] {
  if (isShare(artifact)) {
    return [traceOfShare(artifact)];
  }
  const { height, hash } = artifact;
  switch (artifact.kind) {
    case 'randomBeacon':
      return [
        { kind: 'beaconAggregated', height, hash, parent: artifact.parent },
        ...traceOfRanks(height, membership),
      ];
    case 'randomTape':
      return [{ kind: 'tapeAggregated', height }];
    case 'blockProposal':
      return [traceOfProposal(artifact, own)];
    case 'notarization': {
      const { blockHash, signers } = artifact;
      return [{ kind: 'notarized', height, hash: blockHash, signers }];
    }
    case 'catchUpPackage':
      return [{ kind: 'catchUpPackageMade', height, stateHash: artifact.stateHash }];
    case 'certification':
      return [{ kind: 'certified', height, root: artifact.root }];
    case 'equivocationProof':
      return [traceOfEquivocation(artifact)];
    case 'dkgDealing':
      return own ? [{ kind: 'dkgDealingMade', height, tag: artifact.tag }] : [];
    case 'dkgComplaint': {
      const { tag, dealer } = artifact;
      return own ? [{ kind: 'dkgComplaintMade', height, tag, dealer }] : [];
    }
    case 'finalization':
      return [];
    default:
      return unreachable(artifact);
  }
}

function traceOfEquivocation({ height, signer }: ArtifactOf<'equivocationProof'>): TraceEvent {
  return {
    kind: 'misbehaviourSeen',
    code: 'EQUIVOCATION',
    message: 'signed two different blocks of one height; its rank is disqualified there',
    about: signer,
    height,
    proven: true,
  };
}

function traceOfShare(share: ShareArtifact): TraceEvent {
  return {
    kind: 'shareAdded',
    artifact: TRACE_SHARE_KIND[share.kind],
    height: share.height,
    signer: share.signer,
    hash: sharedHash(share),
  };
}

function sharedHash(share: ShareArtifact): HashHex | null {
  switch (share.kind) {
    case 'notarizationShare':
    case 'finalizationShare':
    case 'catchUpPackageShare':
      return share.blockHash;
    case 'certificationShare':
      return share.root;
    default:
      return null;
  }
}

function traceOfProposal({ block, signer }: BlockProposal, own: boolean): TraceEvent {
  const facts = blockFacts(block, signer);
  return own ? { kind: 'blockProposed', block: facts } : { kind: 'blockValidated', block: facts };
}

function traceOfRanks(beaconHeight: number, membership: Membership): readonly TraceEvent[] {
  const height = beaconHeight + 1;
  const makers = membership.blockMakers(height);
  const committee = membership.committee(height);
  return makers === undefined || committee === undefined
    ? []
    : [{ kind: 'makersRanked', height, makers, committee }];
}

/** The signers are known for the block that was finalized itself, not for its ancestors. */
export function traceOfFinalized(
  { block, explicit }: NewlyFinalized,
  signers: readonly NodeId[],
): TraceEvent {
  const { height, blockHash } = block;
  return { kind: 'finalized', height, hash: blockHash, signers, explicit };
}
