import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { NodeRecords } from '../interfaces/dkg.ts';
import type { DkgSummary, SignedDkgComplaint, SignedDkgDealing } from '../types/artifacts.ts';
import type { SubnetId } from '../types/ids.ts';
import { dkgComplaintSignedBytes, dkgDealingSignedBytes } from '../types/signed-bytes.ts';
import { dealingOf } from './chain-dealings.ts';
import { configOf } from './dealing-rules.ts';

/** Why an artifact of a run is refused. */
export interface DkgFault {
  readonly code: string;
  readonly message: string;
}

export interface DkgVerifier {
  readonly crypto: NodeCrypto;
  readonly nodes: NodeRecords;
  readonly subnetId: SubnetId;
}

/** Everything that anybody can check of a dealing; undefined = nothing is wrong. */
export function dealingFault(
  { crypto, nodes, subnetId }: DkgVerifier,
  summary: DkgSummary,
  dealing: SignedDkgDealing,
): DkgFault | undefined {
  const { tag, signer, height, signature } = dealing;
  const config = configOf(summary, tag);
  if (height !== summary.height || config === undefined) {
    return { code: 'UNKNOWN_DKG_RUN', message: 'no run of this interval has that name' };
  }
  if (!config.dealers.includes(signer)) {
    return { code: 'NOT_A_DEALER', message: 'the signer does not deal in this run' };
  }
  if (!crypto.verifyBasic(signer, dkgDealingSignedBytes(dealing, subnetId), signature)) {
    return { code: 'BAD_DEALING_SIGNATURE', message: "the dealer's signature does not verify" };
  }
  const verdict = crypto.dkg.verifyDealing(config, nodes, dealingOf(dealing));
  return verdict.ok ? undefined : { code: verdict.error.code, message: verdict.error.message };
}

/** Whether a complaint proves that `dealing` cheated the complainer. */
export function complaintFault(
  { crypto, nodes, subnetId }: DkgVerifier,
  summary: DkgSummary,
  dealing: SignedDkgDealing,
  complaint: SignedDkgComplaint,
): DkgFault | undefined {
  const { tag, signer, dealer, height, content, signature } = complaint;
  const config = configOf(summary, tag);
  if (height !== summary.height || config === undefined || dealing.signer !== dealer) {
    return { code: 'UNKNOWN_DKG_RUN', message: 'no run of this interval has that name' };
  }
  if (!config.receivers.includes(signer)) {
    return { code: 'NOT_A_RECEIVER', message: 'the signer receives nothing in this run' };
  }
  if (!crypto.verifyBasic(signer, dkgComplaintSignedBytes(complaint, subnetId), signature)) {
    return { code: 'BAD_COMPLAINT_SIGNATURE', message: "the signer's signature does not verify" };
  }
  const verdict = crypto.dkg.verifyComplaint(config, nodes, dealingOf(dealing), {
    id: config.id,
    dealer,
    complainer: signer,
    content,
  });
  return verdict.ok ? undefined : { code: verdict.error.code, message: verdict.error.message };
}
