import type { RoleContext } from '../consensus/role-context.ts';
import { invalid, VALID, type Verdict } from '../consensus/validator/verify-quorum.ts';
import type {
  DkgPayload,
  DkgSummary,
  SignedDkgComplaint,
  SignedDkgDealing,
} from '../types/artifacts.ts';
import { NO_DKG } from '../types/block-codec.ts';
import type { DkgTag } from '../types/dkg.ts';
import { dealerKey } from '../types/dkg-codec.ts';
import type { Height } from '../types/ids.ts';
import type { ChainDealings } from './chain-dealings.ts';
import { dealingsPerBlock, dealingsWanted, dealingWindow } from './dealing-rules.ts';
import { complaintFault, dealingFault } from './verify-dkg-artifact.ts';

/**
 * The key generation's section of data blocks: dealings in the window of the interval, complaints
 * about dealings of earlier blocks in all of it; one of each for a dealer and run.
 *
 * Upstream: rs/consensus/dkg/src/payload_builder.rs, payload_validator.rs.
 */

function isInWindow(summary: DkgSummary, height: Height): boolean {
  return height - summary.height <= dealingWindow(summary.intervalLength);
}

/** Dealings of the run in the chain so far. */
function dealtSoFar(facts: ChainDealings, tag: DkgTag): number {
  let count = 0;
  for (const dealing of facts.dealings.values()) {
    count += dealing.tag === tag ? 1 : 0;
  }
  return count;
}

/** What a block of `height` on a chain with these facts includes from the own pool. */
export function buildDkgPayload(
  { pool }: Pick<RoleContext, 'pool'>,
  facts: ChainDealings,
  height: Height,
): DkgPayload {
  const { summary } = facts;
  const complaints = new Map<string, SignedDkgComplaint>();
  for (const complaint of pool.validated.at('dkgComplaint', summary.height)) {
    const key = dealerKey(complaint.tag, complaint.dealer);
    if (facts.dealings.has(key) && !facts.complaints.has(key) && !complaints.has(key)) {
      complaints.set(key, complaint);
    }
  }
  const dealings = isInWindow(summary, height) ? nextDealings({ pool }, facts) : [];
  return complaints.size === 0 && dealings.length === 0
    ? NO_DKG
    : { dealings, complaints: [...complaints.values()] };
}

function nextDealings(
  { pool }: Pick<RoleContext, 'pool'>,
  facts: ChainDealings,
): readonly SignedDkgDealing[] {
  const { summary } = facts;
  const chosen = new Map<string, SignedDkgDealing>();
  const room = new Map(
    summary.configs.map((config) => [
      config.id.tag,
      dealingsWanted(config) - dealtSoFar(facts, config.id.tag),
    ]),
  );
  for (const dealing of pool.validated.at('dkgDealing', summary.height)) {
    const key = dealerKey(dealing.tag, dealing.signer);
    const left = room.get(dealing.tag) ?? 0;
    if (chosen.size === dealingsPerBlock(summary)) {
      break;
    }
    if (left > 0 && !facts.dealings.has(key) && !chosen.has(key)) {
      chosen.set(key, dealing);
      room.set(dealing.tag, left - 1);
    }
  }
  return [...chosen.values()];
}

/**
 * Whether the section may stand in a block of `height` on a chain with these facts. What the own
 * pool has validated is not checked twice.
 */
export function validateDkgPayload(
  context: RoleContext,
  facts: ChainDealings,
  height: Height,
  payload: DkgPayload,
): Verdict {
  return (
    validateDealings(context, facts, height, payload.dealings) ??
    validateComplaints(context, facts, payload.complaints) ??
    VALID
  );
}

function validateDealings(
  context: RoleContext,
  facts: ChainDealings,
  height: Height,
  dealings: readonly SignedDkgDealing[],
): Verdict | undefined {
  const { summary } = facts;
  if (dealings.length > 0 && !isInWindow(summary, height)) {
    return invalid('DEALING_TOO_LATE', 'dealings only count in the first part of an interval');
  }
  if (dealings.length > dealingsPerBlock(summary)) {
    return invalid('TOO_MANY_DEALINGS', `${dealings.length} dealings in one block`);
  }
  const seen = new Set<string>();
  for (const dealing of dealings) {
    const key = dealerKey(dealing.tag, dealing.signer);
    if (facts.dealings.has(key) || seen.has(key)) {
      return invalid('DEALER_DEALT_ALREADY', 'a dealer deals once in a run');
    }
    seen.add(key);
    const fault = faultUnlessPooled(context, dealing, () =>
      dealingFault(verifierOf(context), summary, dealing),
    );
    if (fault !== undefined) {
      return invalid(fault.code, fault.message);
    }
  }
  for (const config of summary.configs) {
    const { tag } = config.id;
    const added = dealings.filter((dealing) => dealing.tag === tag).length;
    if (added > 0 && dealtSoFar(facts, tag) + added > dealingsWanted(config)) {
      return invalid('DEALINGS_NOT_WANTED', 'the run has all the dealings it needs');
    }
  }
  return undefined;
}

function validateComplaints(
  context: RoleContext,
  facts: ChainDealings,
  complaints: readonly SignedDkgComplaint[],
): Verdict | undefined {
  const seen = new Set<string>();
  for (const complaint of complaints) {
    const key = dealerKey(complaint.tag, complaint.dealer);
    const dealing = facts.dealings.get(key);
    if (dealing === undefined) {
      return invalid('NOTHING_TO_COMPLAIN_OF', 'no earlier block has the dealing');
    }
    if (facts.complaints.has(key) || seen.has(key)) {
      return invalid('COMPLAINED_ALREADY', 'one complaint about a dealing is enough');
    }
    seen.add(key);
    const fault = complaintFault(verifierOf(context), facts.summary, dealing, complaint);
    if (fault !== undefined) {
      return invalid(fault.code, fault.message);
    }
  }
  return undefined;
}

export function verifierOf({ crypto, registry, genesis }: RoleContext) {
  return { crypto, nodes: registry.nodes, subnetId: genesis.subnetId };
}

function faultUnlessPooled<T>(
  { pool }: RoleContext,
  dealing: SignedDkgDealing,
  check: () => T | undefined,
): T | undefined {
  return pool.validated.get(dealing) === undefined ? check() : undefined;
}
