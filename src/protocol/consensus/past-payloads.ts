import type { BatchPayload } from '../interfaces/replica.ts';
import type { Block, DkgSummary } from '../types/artifacts.ts';
import type { Height } from '../types/ids.ts';
import type { PoolView } from './pool-view.ts';

/**
 * Batch payloads of the chain that ends in `parent`, from `certifiedHeight` + 1 upwards: what a
 * new payload must not repeat and the certified state does not know yet.
 * Undefined when a block of that chain is missing.
 */
export function pastPayloads(
  view: PoolView,
  parent: Block,
  certifiedHeight: Height,
): readonly BatchPayload[] | undefined {
  const payloads: BatchPayload[] = [];
  let block = parent;
  while (block.height > certifiedHeight) {
    if (block.payload.kind === 'data') {
      payloads.push(block.payload.batch);
    }
    if (block.height === 0) {
      break;
    }
    const before = view.block(block.height - 1, block.parent);
    if (before === undefined) {
      // At the catch-up package nothing older is needed: its state was certified.
      if (block.height - 1 > certifiedHeight) {
        return undefined;
      }
      break;
    }
    block = before;
  }
  return payloads.reverse();
}

/** The summary of the DKG interval that `block` belongs to. */
export function summaryOf(view: PoolView, block: Block): DkgSummary | undefined {
  if (block.payload.kind === 'summary') {
    return block.payload.summary;
  }
  const start = block.payload.dkgStartHeight;
  const { block: packaged } = view.catchUpPackage();
  if (packaged.height === start && packaged.payload.kind === 'summary') {
    return packaged.payload.summary;
  }
  let ancestor: Block | undefined = block;
  while (ancestor !== undefined && ancestor.height > start) {
    ancestor = view.block(ancestor.height - 1, ancestor.parent);
  }
  return ancestor?.payload.kind === 'summary' ? ancestor.payload.summary : undefined;
}
