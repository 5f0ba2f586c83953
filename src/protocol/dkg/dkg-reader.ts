import type { PoolView } from '../consensus/pool-view.ts';
import type { NodeDkg } from '../interfaces/crypto.ts';
import type { RegistryReader } from '../registry/registry-client.ts';
import type { Block } from '../types/artifacts.ts';
import type { HashHex, RegistryVersion } from '../types/ids.ts';
import type { ChainDealings } from './chain-dealings.ts';
import { createChainDealings, goodDealings } from './chain-dealings.ts';
import type { SummaryFacts } from './summary.ts';
import { nextSummary } from './summary.ts';

/** What blocks say about the key generation, read once and remembered. */
export interface DkgReader {
  /** Of the interval that `block` belongs to; undefined when an ancestor is missing. */
  dealingsIn(block: Block): ChainDealings | undefined;
  /**
   * The summary of the block that follows `parent`, with this registry version in its context.
   * Undefined while an ancestor or the version is unknown.
   */
  summaryAfter(parent: Block, version: RegistryVersion): SummaryFacts | undefined;
}

/** Makers and validators of competing blocks ask for the same summary again and again. */
const MAX_REMEMBERED_SUMMARIES = 8;

export function createDkgReader(
  view: Pick<PoolView, 'block'>,
  registry: RegistryReader,
  dkg: Pick<NodeDkg, 'combineDealings'>,
): DkgReader {
  const dealingsIn = createChainDealings(view);
  const made = new Map<string, SummaryFacts>();
  return {
    dealingsIn,
    summaryAfter: (parent, version) => {
      const key = `${parent.blockHash satisfies HashHex}/${version}`;
      const remembered = made.get(key);
      const facts = remembered === undefined ? dealingsIn(parent) : undefined;
      const record = facts && registry.recordAt(version);
      if (facts === undefined || record === undefined) {
        return remembered;
      }
      const { registryVersion } = facts.summaryBlock.context;
      const next = nextSummary(facts.summary, registryVersion, record, goodDealings(facts), dkg);
      if (made.size >= MAX_REMEMBERED_SUMMARIES) {
        made.clear();
      }
      made.set(key, next);
      return next;
    },
  };
}
