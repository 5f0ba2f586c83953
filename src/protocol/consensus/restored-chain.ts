import type { ActiveIntervals } from '../dkg/active-intervals.ts';
import type { Block } from '../types/artifacts.ts';
import type { Height } from '../types/ids.ts';
import { createFinalizedChain, type FinalizedChain } from './finalized-chain.ts';
import type { PoolView } from './pool-view.ts';

/**
 * The finalized chain of a node that starts again: from its catch-up package up, and below it as far
 * as the node has to replay and still holds the blocks. When all nodes of a subnet stop before the
 * checkpoint of the newest package is on any disk, nobody could hand out that state; each one gets
 * there again from its older checkpoint.
 *
 * Security: the package's signature vouches for its block, and hashes for the ancestors.
 */
export function restoreChain(
  view: PoolView,
  intervals: Pick<ActiveIntervals, 'note'>,
  nextBatchHeight: Height,
): FinalizedChain {
  const root = view.catchUpPackage().block;
  const ancestors: Block[] = [];
  let block: Block | undefined = root;
  // One further than what is executed: makers are drawn from the members that the summary tells.
  while (block !== undefined && block.height >= nextBatchHeight) {
    block = view.block(block.height - 1, block.parent);
    if (block !== undefined) {
      intervals.note(block);
      ancestors.push(block);
    }
  }
  return createFinalizedChain(root, ancestors);
}
