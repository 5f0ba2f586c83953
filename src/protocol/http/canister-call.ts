import { present } from '../../base/assert.ts';
import { hexToBytes } from '../../base/hex.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { CertificateDelegation } from '../crypto/certificate.ts';
import { domainSeparated } from '../crypto/domain.ts';
import { MANAGEMENT_CANISTER_ID, principalToBytes, principalToText } from '../crypto/principal.ts';
import { hashOfMap } from '../crypto/representation-hash.ts';
import { decodeTarget } from '../execution/management/arguments.ts';
import type { SandboxTask } from '../execution/run-on-sandbox.ts';
import { errorCodeText, rejectCodeOf, type UserError } from '../execution/user-error.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import type { PrincipalId } from '../types/ids.ts';
import { callerInfoOf, type CallContent, type Envelope, type QueryContent } from './envelope.ts';
import { cborReply, httpError, type HttpError, type HttpReply } from './http-error.ts';
import { certificateFor, dataCertificate } from './read-state.ts';
import type {
  CertifiedState,
  QueryOutcome,
  RangesForm,
  ReplicaContext,
} from './replica-context.ts';
import type { SubnetDelegation } from './subnet-delegation.ts';

/** `async`: v2, answered 202 at once; `sync`: v3 and v4, held until certified. */
export type CallMode = 'async' | 'sync';

/** Methods of aaaaa-aa that name no existing canister: any effective id of the subnet will do. */
const FREE_EFFECTIVE_ID: ReadonlySet<string> = new Set([
  'create_canister',
  'provisional_create_canister_with_cycles',
  'list_canisters',
  'raw_rand',
  'http_request',
]);

/** The effective canister id rule of interface spec 0.66 for calls and queries. */
export function checkEffectiveId(
  content: CallContent | QueryContent,
  effectiveId: PrincipalId,
): Result<null, HttpError> {
  if (content.canisterId !== MANAGEMENT_CANISTER_ID) {
    return content.canisterId === effectiveId
      ? ok(null)
      : mismatch(content.canisterId, effectiveId);
  }
  if (FREE_EFFECTIVE_ID.has(content.methodName)) {
    return ok(null);
  }
  const target = decodeTarget(content.methodName, content.arg);
  // A payload that doesn't name a canister is refused by the ingress filter with the IC's own code.
  return !target.ok || target.value === effectiveId
    ? ok(null)
    : mismatch(target.value, effectiveId);
}

function mismatch(canisterId: PrincipalId, effectiveId: PrincipalId): Result<never, HttpError> {
  return err(
    httpError(
      'ID_MISMATCH',
      `Specified CanisterId ${principalToText(canisterId)} does not match effective canister id in URL ${principalToText(effectiveId)}`,
    ),
  );
}

/** The message that consensus orders, from an envelope whose signature was checked. */
export function signedIngress(
  envelope: Envelope,
  content: CallContent,
  effectiveCanisterId: PrincipalId,
  body: Uint8Array,
): SignedIngress {
  return {
    messageId: envelope.messageId,
    envelope: body,
    sender: content.sender,
    canisterId: content.canisterId,
    effectiveCanisterId,
    methodName: content.methodName,
    arg: content.arg,
    nonce: content.nonce,
    ingressExpiryNs: content.ingressExpiryNs,
    callerInfo: callerInfoOf(content),
  };
}

function rejectFields(error: UserError): Record<string, string | number> {
  return {
    reject_code: rejectCodeOf(error.code),
    reject_message: error.message,
    error_code: errorCodeText(error.code),
  };
}

/** The ingress filter said no: uncertified rejection in the route's own shape. */
export function refusedReply(mode: CallMode, error: UserError): HttpReply {
  return mode === 'async'
    ? cborReply(200, rejectFields(error))
    : cborReply(200, { status: 'non_replicated_rejection', ...rejectFields(error) });
}

/** 202: taken, not answered yet; the client polls. The specification wants an empty body. */
export function acceptedReply(): HttpReply {
  return { status: 202, contentType: 'text/plain; charset=utf-8', body: new Uint8Array(0) };
}

/** The answer of a held call once its final status is certified; undefined before. */
export function certifiedReply(
  certified: CertifiedState,
  message: SignedIngress,
  delegation: CertificateDelegation | undefined,
): HttpReply | undefined {
  const status = certified.state.ingressHistory.entries.get(message.messageId)?.status;
  if (status?.kind !== 'replied' && status?.kind !== 'rejected') {
    return undefined;
  }
  const requestId = messageIdBytes(message);
  const path = [encodeUtf8('request_status'), requestId];
  const certificate = certificateFor(certified, [path], delegation);
  return cborReply(200, { status: 'replied', certificate });
}

/** What a certificate about a canister carries on a route of that form; undefined on the root. */
export function delegationShown(
  delegation: SubnetDelegation | null | undefined,
  ranges: RangesForm,
  id: PrincipalId,
): CertificateDelegation | undefined {
  return delegation?.show(ranges === 'flat' ? 'flat' : { shardOf: id });
}

function messageIdBytes(message: SignedIngress): Uint8Array {
  return present(hexToBytes(message.messageId), 'a message id is hex');
}

/** Runs a query on the certified state and signs the answer with the node's key. */
export function* answerQuery(
  context: ReplicaContext,
  certified: CertifiedState,
  envelope: Envelope,
  content: QueryContent,
  ranges: RangesForm,
): SandboxTask<HttpReply> {
  const delegation = delegationShown(context.delegation, ranges, content.canisterId);
  const outcome = yield* context.executeQuery(certified, {
    sender: content.sender,
    canisterId: content.canisterId,
    methodName: content.methodName,
    arg: content.arg,
    callerInfo: callerInfoOf(content),
    dataCertificate: dataCertificate(certified, content.canisterId, delegation),
    ranges: delegation && ranges,
  });
  return queryReply(context, envelope, outcome);
}

function queryReply(context: ReplicaContext, envelope: Envelope, outcome: QueryOutcome): HttpReply {
  const fields =
    outcome.kind === 'replied'
      ? { status: 'replied', reply: { arg: outcome.reply } }
      : { status: 'rejected', ...rejectFields(outcome.error) };
  const hash = hashOfMap({ ...fields, timestamp: context.nowNs, request_id: envelope.requestId });
  const signature = {
    timestamp: context.nowNs,
    signature: context.crypto.signBasic(domainSeparated('queryResponse', hash)),
    identity: principalToBytes(context.crypto.nodeId),
  };
  return cborReply(200, { ...fields, signatures: [signature] });
}
