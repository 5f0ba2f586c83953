import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { MANAGEMENT_CANISTER_ID } from '../crypto/principal.ts';
import { decodeTarget } from '../execution/management/arguments.ts';
import type { CallContent, Envelope } from '../http/envelope.ts';
import { callerInfoOf, decodeEnvelope } from '../http/envelope.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import type { PrincipalId } from '../types/ids.ts';

export type IngressError = CodedError<'MALFORMED_INGRESS'>;

/** A call as it travels in a block, with its decoded envelope. Signatures are not checked here. */
export interface DecodedIngress {
  readonly message: SignedIngress;
  readonly envelope: Envelope;
}

/** Decodes the envelope of a call. The outcome depends on the bytes alone: all nodes agree on it. */
export function decodeIngress(bytes: Uint8Array): Result<DecodedIngress, IngressError> {
  const decoded = decodeEnvelope(bytes);
  if (!decoded.ok) {
    return err(codedError('input', 'MALFORMED_INGRESS', decoded.error.message));
  }
  const { content } = decoded.value;
  if (content.kind !== 'call') {
    return err(
      codedError('input', 'MALFORMED_INGRESS', `A ${content.kind} request is no ingress message.`),
    );
  }
  return ok({ message: ingressOf(decoded.value, content, bytes), envelope: decoded.value });
}

function ingressOf(envelope: Envelope, content: CallContent, bytes: Uint8Array): SignedIngress {
  return {
    messageId: envelope.messageId,
    envelope: bytes,
    sender: content.sender,
    canisterId: content.canisterId,
    effectiveCanisterId: effectiveCanisterId(content),
    methodName: content.methodName,
    arg: content.arg,
    nonce: content.nonce,
    ingressExpiryNs: content.ingressExpiryNs,
    callerInfo: callerInfoOf(content),
  };
}

/**
 * The canister a call is about, from the signed content. The id in the URL is not signed and does
 * not travel in blocks: a creation has the management canister's, whether it specifies an id or not.
 */
export function effectiveCanisterId(content: CallContent): PrincipalId {
  if (content.canisterId !== MANAGEMENT_CANISTER_ID) {
    return content.canisterId;
  }
  const target = decodeTarget(content.methodName, content.arg);
  return target.ok ? target.value : MANAGEMENT_CANISTER_ID;
}
