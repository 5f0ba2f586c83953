import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { asBytes, asMap, asText, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import {
  type CertificateVerifyOptions,
  decodeCertificate,
  verifyCertificate,
} from '../crypto/certificate.ts';
import { ed25519Backend } from '../crypto/ed25519.ts';
import { lookupPath } from '../crypto/hash-tree.ts';
import { principalToBytes, principalToText } from '../crypto/principal.ts';
import { requestIdOfContent, requestSigningBytes } from '../crypto/representation-hash.ts';
import { MAX_INGRESS_TTL_NS } from '../limits/messaging.ts';
import type { HttpReply, HttpRequest } from '../node/node-io.ts';
import type { CanisterId, TimeNs } from '../types/ids.ts';
import { present } from '../../base/assert.ts';
import { REGISTRY_METHOD } from './bootstrap-registry.ts';
import type { RegistryOperator } from './deal-network.ts';

/** How a network's host changes the registry: as any client of the root subnet, with the operator's key. */
export interface OperatorCall {
  readonly requestId: Uint8Array;
  /** May be sent again: a call counts once. */
  readonly request: HttpRequest;
}

const NS_PER_S = 1_000_000_000n;

/** @param registry the registry's canister id */
export function operatorCall(
  operator: RegistryOperator,
  registry: CanisterId,
  delta: Uint8Array,
  nowNs: TimeNs,
): OperatorCall {
  // Whole seconds, as agents send it.
  const expiry = ((nowNs + MAX_INGRESS_TTL_NS) / NS_PER_S) * NS_PER_S;
  const content = {
    request_type: 'call',
    canister_id: principalToBytes(registry),
    method_name: REGISTRY_METHOD,
    arg: delta,
    sender: principalToBytes(operator.principal),
    ingress_expiry: expiry,
  };
  const decoded = decodeCbor(encodeCbor(content), {
    maxDepth: 2,
    maxBytes: 2 * delta.length + 512,
  });
  const requestId = decoded.ok ? requestIdOfContent(decoded.value) : undefined;
  const id = present(requestId?.ok === true ? requestId.value : undefined, 'a call has an id');
  const body = encodeCbor({
    content,
    sender_pubkey: operator.publicKeyDer,
    sender_sig: ed25519Backend.sign(operator.secretKey, requestSigningBytes(id)),
  });
  const path = `/api/v4/canister/${principalToText(registry)}/call`;
  return { requestId: id, request: { method: 'POST', path, body } };
}

export type OperatorCallError = CodedError<
  /** The same call again tells more. */
  | 'REGISTRY_CALL_OPEN'
  | 'REGISTRY_CALL_REJECTED'
  | 'REGISTRY_CALL_UNCERTIFIED'
  | 'REGISTRY_CALL_FAILED'
>;

function failed(
  code: OperatorCallError['code'],
  message: string,
): Result<never, OperatorCallError> {
  return err(codedError('protocol', code, message));
}

/** What came of a call; believed under the root key alone. */
export function outcomeOf(
  { requestId }: OperatorCall,
  reply: Pick<HttpReply, 'status' | 'body'> | null,
  options: CertificateVerifyOptions,
): Result<null, OperatorCallError> {
  if (reply === null || reply.status === 202 || reply.status >= 500 || reply.status === 429) {
    const status = reply === null ? 'no node answered' : `status ${reply.status}`;
    return failed('REGISTRY_CALL_OPEN', `The root subnet has not answered yet: ${status}.`);
  }
  if (reply.status !== 200) {
    const why = decodeUtf8(reply.body)?.slice(0, 200) ?? '';
    return failed('REGISTRY_CALL_FAILED', `The root subnet refused the call: ${why}`);
  }
  const decoded = decodeCbor(reply.body, { maxDepth: 4 });
  const fields = decoded.ok ? asMap(decoded.value) : undefined;
  const bytes = asBytes(fields?.get('certificate'));
  if (bytes === undefined) {
    const why = asText(fields?.get('reject_message')) ?? 'without a reason';
    return failed('REGISTRY_CALL_REJECTED', why);
  }
  const certificate = decodeCertificate(bytes);
  const isRoots =
    certificate.ok &&
    certificate.value.delegation === undefined &&
    verifyCertificate(certificate.value, options).ok;
  if (!isRoots) {
    return failed('REGISTRY_CALL_UNCERTIFIED', 'The answer is not certified by the root subnet.');
  }
  const text = (label: string): string | undefined => {
    const path = [encodeUtf8('request_status'), requestId, encodeUtf8(label)];
    const value = lookupPath(certificate.value.tree, path);
    return value && decodeUtf8(value);
  };
  switch (text('status')) {
    case 'replied':
      return ok(null);
    case 'rejected':
      return failed('REGISTRY_CALL_REJECTED', text('reject_message') ?? 'without a reason');
    default:
      return failed('REGISTRY_CALL_OPEN', 'The call is being processed.');
  }
}
