import { nextSummary, nextSummaryHeight } from '../../dkg/summary.ts';
import type { Block, BlockProposal, DkgSummary } from '../../types/artifacts.ts';
import { sealBlock } from '../../types/block-codec.ts';
import { pastPayloads, summaryOf } from '../past-payloads.ts';
import type { RoleContext } from '../role-context.ts';
import { isDue } from '../role-context.ts';
import { acceptableFromNs } from '../round-delays.ts';
import { invalid, UNDECIDED, VALID, type Verdict } from './verify-quorum.ts';

/**
 * Everything about a block but its maker's signature: parent, context, time, payload.
 * Undecided means that this node lacks something (parent, state, time); it is never held against
 * the maker. Upstream: rs/consensus/src/consensus/validator.rs#check_block_validity.
 */
export function validateBlock(context: RoleContext, { block }: BlockProposal): Verdict {
  const { view } = context;
  if (!view.isNotarized(block.height - 1, block.parent)) {
    return UNDECIDED;
  }
  const parent = view.block(block.height - 1, block.parent);
  if (parent === undefined) {
    return UNDECIDED;
  }
  const checked = validateContext(context, block, parent);
  return checked.kind === 'valid' ? validatePayload(context, block, parent) : checked;
}

function validateContext(context: RoleContext, block: Block, parent: Block): Verdict {
  const { certifiedHeight, registryVersion, timeNs } = block.context;
  const before = parent.context;
  if (timeNs <= before.timeNs) {
    return invalid('TIME_NOT_INCREASING', 'block time is not after its parent');
  }
  if (certifiedHeight < before.certifiedHeight || certifiedHeight >= block.height) {
    return invalid('WRONG_CERTIFIED_HEIGHT', `certified height ${certifiedHeight} is impossible`);
  }
  if (registryVersion < before.registryVersion) {
    return invalid('REGISTRY_VERSION_DECREASED', 'registry version below that of the parent');
  }
  if (registryVersion > before.registryVersion) {
    // A single registry version exists so far; a newer one may yet arrive.
    return UNDECIDED;
  }
  if (context.state.latestStateHeight() < certifiedHeight) {
    return UNDECIDED;
  }
  return isDue(context, acceptableFromNs(block, parent, context.view)) ? VALID : UNDECIDED;
}

function validatePayload(context: RoleContext, block: Block, parent: Block): Verdict {
  const { view, payloadBuilder } = context;
  const summary = summaryOf(view, parent);
  if (summary === undefined) {
    return UNDECIDED;
  }
  const { payload } = block;
  if (nextSummaryHeight(summary) === block.height) {
    return payload.kind === 'summary'
      ? validateSummary(block, summary)
      : invalid('SUMMARY_EXPECTED', 'this height needs a summary block');
  }
  if (payload.kind !== 'data' || payload.dkgStartHeight !== summary.height) {
    return invalid('DATA_EXPECTED', 'this height needs a data block of the current interval');
  }
  const past = pastPayloads(view, parent, block.context.certifiedHeight);
  if (past === undefined) {
    return UNDECIDED;
  }
  const verdict = payloadBuilder.validate(payload.batch, block.context, past);
  return verdict.kind === 'undecided' ? UNDECIDED : verdict;
}

function validateSummary(block: Block, previous: DkgSummary): Verdict {
  const expected = sealBlock({
    ...block,
    payload: { kind: 'summary', summary: nextSummary(previous, block.context.registryVersion) },
  });
  return expected.payloadHash === block.payloadHash
    ? VALID
    : invalid('WRONG_SUMMARY', 'the summary does not follow from the chain');
}
