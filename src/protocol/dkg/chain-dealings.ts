import type {
  Block,
  DkgSummary,
  SignedDkgComplaint,
  SignedDkgDealing,
} from '../types/artifacts.ts';
import type { DkgDealing } from '../types/dkg.ts';
import { dealerKey } from '../types/dkg-codec.ts';
import type { HashHex, Height } from '../types/ids.ts';

/** What the blocks of one interval say about its runs, up to and with one block. */
export interface ChainDealings {
  /** The block that began the interval. */
  readonly summaryBlock: Block;
  readonly summary: DkgSummary;
  /** By dealer and tag. */
  readonly dealings: ReadonlyMap<string, SignedDkgDealing>;
  /** By the dealing's dealer and tag: proved wrong. */
  readonly complaints: ReadonlyMap<string, SignedDkgComplaint>;
}

interface BlockSource {
  block(height: Height, blockHash: HashHex): Block | undefined;
}

/** The dealing without its signature, as schemes know it. */
export function dealingOf({ height, tag, signer, content }: SignedDkgDealing): DkgDealing {
  return { id: { startHeight: height, tag }, dealer: signer, content };
}

/** Dealings that nobody proved wrong. */
export function goodDealings(facts: ChainDealings): readonly DkgDealing[] {
  return [...facts.dealings]
    .filter(([key]) => !facts.complaints.has(key))
    .map(([, dealing]) => dealingOf(dealing));
}

/** Remembers what it found, so that each block is read once. Undefined when an ancestor is missing. */
export function createChainDealings(
  view: BlockSource,
): (block: Block) => ChainDealings | undefined {
  const known = new WeakMap<Block, ChainDealings>();
  return (block) => {
    const path: Block[] = [];
    let facts: ChainDealings | undefined;
    for (let at: Block | undefined = block; facts === undefined; ) {
      if (at === undefined) {
        return undefined;
      }
      facts = known.get(at) ?? beginningAt(at);
      if (facts === undefined) {
        path.push(at);
        at = view.block(at.height - 1, at.parent);
      }
    }
    for (const next of path.reverse()) {
      facts = withBlock(facts, next);
      known.set(next, facts);
    }
    return facts;
  };
}

function beginningAt(block: Block): ChainDealings | undefined {
  return block.payload.kind === 'summary'
    ? {
        summaryBlock: block,
        summary: block.payload.summary,
        dealings: new Map(),
        complaints: new Map(),
      }
    : undefined;
}

function withBlock(facts: ChainDealings, { payload }: Block): ChainDealings {
  if (payload.kind === 'summary') {
    return facts;
  }
  const { dealings, complaints } = payload.dkg;
  return dealings.length === 0 && complaints.length === 0
    ? facts
    : {
        ...facts,
        dealings: new Map([
          ...facts.dealings,
          ...dealings.map((dealing) => [dealerKey(dealing.tag, dealing.signer), dealing] as const),
        ]),
        complaints: new Map([
          ...facts.complaints,
          ...complaints.map(
            (complaint) => [dealerKey(complaint.tag, complaint.dealer), complaint] as const,
          ),
        ]),
      };
}
