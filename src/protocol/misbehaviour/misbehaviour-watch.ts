import type { StateReader } from '../interfaces/replica.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type {
  Artifact,
  CatchUpPackageShare,
  CertificationShare,
  FinalizationShare,
  NotarizationShare,
} from '../types/artifacts.ts';
import type { HashHex, Height, NodeId, Rank } from '../types/ids.ts';

/**
 * What an honest node can say about others beyond refusing artifacts: shares that contradict each
 * other or its own state, and makers whose turn passed without a block. It only watches: nothing
 * here decides anything, the rules of consensus hold without it. Shares are watched as they come,
 * on the word of the transport; their signatures are checked when they are combined.
 *
 * Memory: bounded by the heights kept and the peers of the subnet.
 */
export interface MisbehaviourWatch {
  /** A peer's artifact that is new to this node. */
  artifact(artifact: Artifact): void;
  /** The node's facts, followed by what was seen since the last call; each finding once. */
  annotate(facts: readonly TraceEvent[]): readonly TraceEvent[];
}

type Finding = TraceEvent & { readonly kind: 'misbehaviourSeen' };

/** Heights below the newest one that are remembered. */
const KEPT_HEIGHTS = 64;
/** A committee member none of whose votes came for so many final heights is called silent. */
const SILENT_HEIGHTS = 20;
/** Blocks per height and signer that are told apart. */
const MAX_VOTES = 8;

/** Different blocks in the order of the votes: one of each, unless the signer lies or rounds split. */
interface Votes {
  notarized: readonly HashHex[];
  finalized: readonly HashHex[];
}

const NO_BLOCKS: readonly HashHex[] = [];

/** At most one block, and the same one, in both phases. */
function isConsistent({ notarized, finalized }: Votes): boolean {
  return (
    notarized.length <= 1 &&
    finalized.length <= 1 &&
    (notarized.length + finalized.length < 2 || notarized[0] === finalized[0])
  );
}

interface AtHeight {
  readonly votes: Map<NodeId, Votes>;
  /** Roots and checkpoint hashes that wait for the own ones. */
  readonly claims: Map<string, CertificationShare | CatchUpPackageShare>;
  readonly blocks: Map<HashHex, { readonly rank: Rank; readonly maker: NodeId }>;
  makers: readonly NodeId[];
  committee: readonly NodeId[];
  readonly reported: Set<string>;
}

/** @param nodeId the node that watches; it does not watch itself */
export function createMisbehaviourWatch(
  nodeId: NodeId,
  state: Pick<StateReader, 'stateRootAt' | 'checkpointHashAt'>,
): MisbehaviourWatch {
  return new Watch(nodeId, state);
}

class Watch implements MisbehaviourWatch {
  private readonly state: Pick<StateReader, 'stateRootAt' | 'checkpointHashAt'>;
  private readonly nodeId: NodeId;
  private readonly heights = new Map<Height, AtHeight>();
  /** Height of the newest vote of each peer, or of the first round it could have voted in. */
  private readonly lastVote = new Map<NodeId, Height>();
  private newest: Height = 0;
  private findings: Finding[] = [];

  constructor(nodeId: NodeId, state: Pick<StateReader, 'stateRootAt' | 'checkpointHashAt'>) {
    this.nodeId = nodeId;
    this.state = state;
  }

  artifact(artifact: Artifact): void {
    switch (artifact.kind) {
      case 'notarizationShare':
      case 'finalizationShare':
        this.vote(artifact);
        return;
      case 'certificationShare':
      case 'catchUpPackageShare':
        this.claim(artifact);
        return;
      default:
    }
  }

  annotate(facts: readonly TraceEvent[]): readonly TraceEvent[] {
    for (const event of facts) {
      this.fact(event);
    }
    const { findings } = this;
    this.findings = [];
    return findings.length === 0 ? facts : [...facts, ...findings];
  }

  private fact(event: TraceEvent): void {
    switch (event.kind) {
      case 'makersRanked': {
        const at = this.at(event.height);
        if (at !== undefined) {
          at.makers = event.makers;
          at.committee = event.committee;
        }
        return;
      }
      case 'blockProposed':
      case 'blockValidated': {
        const { height, hash, rank, maker } = event.block;
        this.at(height)?.blocks.set(hash, { rank, maker });
        return;
      }
      case 'dkgComplaintIncluded':
        this.report({
          code: 'DEALING_PROVED_WRONG',
          message: `dealt a bad share in the generation of the ${event.tag}-threshold key; the proof stands in a block`,
          about: event.dealer,
          height: event.height,
          proven: true,
        });
        return;
      case 'finalized':
        this.finalized(event.height, event.hash);
        return;
      case 'executed':
      case 'catchUpPackageMade':
        this.checkClaims(event.height);
        return;
      default:
    }
  }

  private at(height: Height): AtHeight | undefined {
    if (height + KEPT_HEIGHTS < this.newest) {
      return undefined;
    }
    const known = this.heights.get(height);
    if (known !== undefined) {
      return known;
    }
    const fresh: AtHeight = {
      votes: new Map(),
      claims: new Map(),
      blocks: new Map(),
      makers: [],
      committee: [],
      reported: new Set(),
    };
    this.heights.set(height, fresh);
    this.newest = Math.max(this.newest, height);
    for (const old of this.heights.keys()) {
      if (old + KEPT_HEIGHTS < this.newest) {
        this.heights.delete(old);
      }
    }
    return fresh;
  }

  private report(finding: Omit<Finding, 'kind'>): void {
    const at = this.at(finding.height);
    const key = `${finding.code}/${finding.about}`;
    if (at !== undefined && !at.reported.has(key)) {
      at.reported.add(key);
      this.findings.push({ kind: 'misbehaviourSeen', ...finding });
    }
  }

  private vote(share: NotarizationShare | FinalizationShare): void {
    const { height, signer, blockHash } = share;
    const at = this.at(height);
    if (at === undefined) {
      return;
    }
    if (height > (this.lastVote.get(signer) ?? -1)) {
      this.lastVote.set(signer, height);
    }
    let votes = at.votes.get(signer);
    if (votes === undefined) {
      votes = { notarized: NO_BLOCKS, finalized: NO_BLOCKS };
      at.votes.set(signer, votes);
    }
    const phase = share.kind === 'notarizationShare' ? 'notarized' : 'finalized';
    const cast = votes[phase];
    if (cast.length < MAX_VOTES && !cast.includes(blockHash)) {
      // Exactly as long as it must be: many are kept.
      votes[phase] = cast.concat(blockHash);
    }
    if (isConsistent(votes)) {
      return;
    }
    const finding = { about: signer, height };
    if (votes.finalized.length > 1) {
      const message = 'signed finalization shares for two blocks of one height';
      this.report({ ...finding, code: 'FINALIZED_TWO_BLOCKS', message, proven: true });
    }
    if (votes.finalized.some((hash) => votes.notarized.some((other) => other !== hash))) {
      const message = 'signed a finalization share for one block and notarized another one';
      this.report({ ...finding, code: 'FINALIZED_AND_NOTARIZED_OTHER', message, proven: true });
    } else if (votes.notarized.length > 1) {
      const message = 'signed notarization shares for several blocks; it may finalize none of them';
      this.report({ ...finding, code: 'NOTARIZED_SEVERAL_BLOCKS', message, proven: false });
    }
  }

  private claim(share: CertificationShare | CatchUpPackageShare): void {
    this.at(share.height)?.claims.set(`${share.kind}/${share.signer}`, share);
    this.checkClaims(share.height);
  }

  private checkClaims(height: Height): void {
    const claims = this.heights.get(height)?.claims ?? new Map<string, never>();
    for (const [key, share] of claims) {
      const isRoot = share.kind === 'certificationShare';
      const own = isRoot ? this.state.stateRootAt(height) : this.state.checkpointHashAt(height);
      if (own === undefined) {
        continue;
      }
      claims.delete(key);
      if (own !== (isRoot ? share.root : share.stateHash)) {
        this.report({
          code: isRoot ? 'WRONG_STATE_ROOT' : 'WRONG_CHECKPOINT_HASH',
          message: isRoot
            ? 'certifies another state root than this node computed; such a share is never combined'
            : 'vouches for another checkpoint than this node has; such a share is never combined',
          about: share.signer,
          height,
          proven: false,
        });
      }
    }
  }

  private finalized(height: Height, hash: HashHex): void {
    const at = this.heights.get(height);
    this.findSilent(height, at?.committee ?? []);
    this.findFailedMakers(height, hash, at);
  }

  /** Votes that come too late to be wanted are not seen: a slow node may look silent. */
  private findSilent(height: Height, committee: readonly NodeId[]): void {
    for (const member of committee) {
      const last = this.lastVote.get(member);
      if (last === undefined) {
        this.lastVote.set(member, height);
      } else if (member !== this.nodeId && height - last >= SILENT_HEIGHTS) {
        this.lastVote.set(member, height);
        const message = `none of its votes came in time for ${SILENT_HEIGHTS} heights; the others were enough`;
        this.report({ code: 'NO_VOTES_SEEN', message, about: member, height, proven: false });
      }
    }
  }

  /** What the IC counts in its block maker metrics: lower ranks that had their turn in vain. */
  private findFailedMakers(height: Height, hash: HashHex, at: AtHeight | undefined): void {
    const rank = at?.blocks.get(hash)?.rank ?? 0;
    for (const maker of (at?.makers ?? []).slice(0, rank)) {
      const message = 'had an earlier turn, but the block of a higher rank became final';
      this.report({ code: 'BLOCK_MAKER_FAILED', message, about: maker, height, proven: false });
    }
  }
}
