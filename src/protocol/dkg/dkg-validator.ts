import type { ChangeAction, Mutations } from '../artifact-pool/change-action.ts';
import {
  handleInvalid,
  moveToValidated,
  NO_MUTATIONS,
  removeFromUnvalidated,
} from '../artifact-pool/change-action.ts';
import { doKeysWait, type Role, type RoleContext } from '../consensus/role-context.ts';
import type { DkgSummary, SignedDkgComplaint, SignedDkgDealing } from '../types/artifacts.ts';
import { dealerKey } from '../types/dkg-codec.ts';
import type { TimeNs } from '../types/ids.ts';
import { verifierOf } from './payload.ts';
import { complaintFault, dealingFault } from './verify-dkg-artifact.ts';

/**
 * Checks peers' dealings and complaints of the current interval, one a call; of dealings, which take
 * long to check in a large subnet, only one a poll, so that a burst of them holds up nothing else.
 *
 * Liveness: a dealing that names an unknown run waits until the interval is known. Security: one
 * dealing of a dealer and run; a complaint counts only about a dealing that stands in a block.
 * Upstream: rs/consensus/dkg/src/lib.rs#validate_dealings_for_dealer.
 */
export function createDkgValidator(): Role {
  let judgedAtNs: TimeNs | null = null;
  return (context) => {
    const begin = context.intervals.newest();
    if (begin?.payload.kind !== 'summary') {
      return NO_MUTATIONS;
    }
    const { summary } = begin.payload;
    const old = purgeOldRuns(context, summary);
    if (old.length > 0) {
      return old;
    }
    const dealing = context.pool.unvalidated.at('dkgDealing', summary.height)[0];
    if (dealing === undefined || doKeysWait(context)) {
      return judgeNextComplaint(context, summary);
    }
    if (judgedAtNs === context.nowNs) {
      context.wakeAt(context.nowNs + 1n);
      return judgeNextComplaint(context, summary);
    }
    judgedAtNs = context.nowNs;
    return [judgeDealing(context, summary, dealing)];
  };
}

function judgeNextComplaint(context: RoleContext, summary: DkgSummary): Mutations {
  for (const complaint of context.pool.unvalidated.at('dkgComplaint', summary.height)) {
    const action = judgeComplaint(context, summary, complaint);
    if (action !== undefined) {
      return [action];
    }
  }
  return NO_MUTATIONS;
}

/** What belonged to the runs of earlier intervals; their outcome stands in the summary. */
function purgeOldRuns({ pool }: RoleContext, { height }: DkgSummary): readonly ChangeAction[] {
  const actions: ChangeAction[] = [];
  for (const kind of ['dkgDealing', 'dkgComplaint'] as const) {
    if ((pool.validated.minHeight(kind) ?? height) < height) {
      actions.push({ kind: 'purgeValidatedBelow', height, kinds: [kind] });
    }
    if ((pool.unvalidated.minHeight(kind) ?? height) < height) {
      actions.push({ kind: 'purgeUnvalidatedBelow', height, kinds: [kind] });
    }
  }
  return actions;
}

function judgeDealing(
  context: RoleContext,
  summary: DkgSummary,
  dealing: SignedDkgDealing,
): ChangeAction {
  const isSecond = context.pool.validated
    .at('dkgDealing', summary.height)
    .some((known) => known.signer === dealing.signer && known.tag === dealing.tag);
  if (isSecond) {
    return handleInvalid(dealing, 'DEALER_DEALT_ALREADY', 'a dealer deals once in a run');
  }
  const fault = dealingFault(verifierOf(context), summary, dealing);
  return fault === undefined
    ? moveToValidated(dealing)
    : handleInvalid(dealing, fault.code, fault.message);
}

/** Undefined while the dealing it is about stands in no finalized block. */
function judgeComplaint(
  context: RoleContext,
  summary: DkgSummary,
  complaint: SignedDkgComplaint,
): ChangeAction | undefined {
  const key = dealerKey(complaint.tag, complaint.dealer);
  const facts = context.dkg.dealingsIn(context.chain.tip);
  if (facts?.complaints.has(key) === true) {
    return removeFromUnvalidated(complaint);
  }
  const dealing = facts?.summary.height === summary.height ? facts.dealings.get(key) : undefined;
  if (dealing === undefined) {
    return undefined;
  }
  const fault = complaintFault(verifierOf(context), summary, dealing, complaint);
  return fault === undefined
    ? moveToValidated(complaint)
    : handleInvalid(complaint, fault.code, fault.message);
}
