import { validateDkgPayload } from '../../dkg/payload.ts';
import { nextSummaryHeight } from '../../dkg/summary.ts';
import type { Block } from '../../types/artifacts.ts';
import { sealBlock } from '../../types/block-codec.ts';
import { subnetStatus } from '../halting.ts';
import { pastPayloads, summaryOf } from '../past-payloads.ts';
import type { RoleContext } from '../role-context.ts';
import { isDue } from '../role-context.ts';
import { acceptableFromNs } from '../round-delays.ts';
import { invalid, UNDECIDED, VALID, type Verdict } from './verify-quorum.ts';

/**
 * Parent, context and time of a block: cheap, and often undecided, so it goes before the maker's
 * signature. Undecided means that this node lacks something (parent, state, time); it is never
 * held against anybody. Upstream: rs/consensus/src/consensus/validator.rs#check_block_validity.
 */
export function validateBlockContext(context: RoleContext, block: Block): Verdict {
  const parent = notarizedParent(context, block);
  return parent === undefined ? UNDECIDED : validateContext(context, block, parent);
}

/** The payload, of a block whose context is valid. */
export function validateBlockPayload(context: RoleContext, block: Block): Verdict {
  const parent = notarizedParent(context, block);
  return parent === undefined ? UNDECIDED : validatePayload(context, block, parent);
}

function notarizedParent({ view }: RoleContext, block: Block): Block | undefined {
  return view.isNotarized(block.height - 1, block.parent)
    ? view.block(block.height - 1, block.parent)
    : undefined;
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
  if (context.registry.recordAt(registryVersion) === undefined) {
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
      ? validateSummary(context, block, parent)
      : invalid('SUMMARY_EXPECTED', 'this height needs a summary block');
  }
  if (payload.kind !== 'data' || payload.dkgStartHeight !== summary.height) {
    return invalid('DATA_EXPECTED', 'this height needs a data block of the current interval');
  }
  const status = subnetStatus(context, block.height);
  if (status === 'halting' || status === 'halted') {
    const { dealings, complaints } = payload.dkg;
    const { ingress, queryStats, xnet } = payload.batch;
    return queryStats === undefined &&
      xnet === undefined &&
      ingress.length + dealings.length + complaints.length === 0
      ? VALID
      : invalid('PAYLOAD_WHILE_HALTING', 'blocks are empty once the subnet halts');
  }
  const past = pastPayloads(view, parent, block.context.certifiedHeight);
  const dealings = context.dkg.dealingsIn(parent);
  if (past === undefined || dealings === undefined || status === undefined) {
    return UNDECIDED;
  }
  const dkgVerdict = validateDkgPayload(context, dealings, block.height, payload.dkg);
  if (dkgVerdict.kind !== 'valid') {
    return dkgVerdict;
  }
  const verdict = payloadBuilder.validate(payload.batch, block.context, past);
  return verdict.kind === 'undecided' ? UNDECIDED : verdict;
}

/** By recomputation: a summary is a function of the chain and the registry version in its context. */
function validateSummary(context: RoleContext, block: Block, parent: Block): Verdict {
  const next = context.dkg.summaryAfter(parent, block.context.registryVersion);
  if (next === undefined) {
    return UNDECIDED;
  }
  const payload = { kind: 'summary', summary: next.summary } as const;
  return sealBlock({ ...block, payload }).payloadHash === block.payloadHash
    ? VALID
    : invalid('WRONG_SUMMARY', 'the summary does not follow from the chain');
}
