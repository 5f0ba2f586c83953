import { err, ok, type Result } from '../../base/result.ts';
import type { SignatureTrust } from '../crypto/canister-signature.ts';
import { domainSeparated } from '../crypto/domain.ts';
import { parsePublicKeyDer, splitCanisterSignatureKey } from '../crypto/der.ts';
import {
  ANONYMOUS_PRINCIPAL,
  principalFromBytes,
  principalToText,
  selfAuthenticatingId,
} from '../crypto/principal.ts';
import { requestSigningBytes } from '../crypto/representation-hash.ts';
import { verifyUserSignature } from '../crypto/user-signature.ts';
import { MAX_INGRESS_TTL_NS, PERMITTED_DRIFT_NS } from '../limits/messaging.ts';
import type { PrincipalId, TimeNs } from '../types/ids.ts';
import type { Envelope } from './envelope.ts';
import { httpError, type HttpError } from './http-error.ts';

/**
 * Who signed a request, until when it counts and which canisters it may reach. The same check runs
 * at the node that takes the request and at every node that validates a block with it.
 * @upstream rs/validator/src/ingress_validation.rs
 */

/**
 * Checks expiry, signature, delegation chain, targets and permissions at network time `nowNs`.
 * @param trust for canister signatures, which are refused without it
 */
export function authenticate(
  envelope: Envelope,
  target: PrincipalId | undefined,
  nowNs: TimeNs,
  trust?: SignatureTrust,
): Result<null, HttpError> {
  const expiry = checkExpiry(envelope, nowNs);
  const signed = expiry.ok ? checkSignature(envelope, target, nowNs, trust) : expiry;
  return signed.ok ? checkSenderInfo(envelope, trust) : signed;
}

/** The canister whose key the sender's is must have signed what the request says of the sender. */
function checkSenderInfo(
  envelope: Envelope,
  trust: SignatureTrust | undefined,
): Result<null, HttpError> {
  const { content, senderPublicKeyDer } = envelope;
  const senderInfo = content.kind === 'read_state' ? undefined : content.senderInfo;
  if (senderInfo === undefined) {
    return ok(null);
  }
  const refuseInfo = (why: string): Result<never, HttpError> =>
    refuse(envelope, `Invalid sender info: ${why}`);
  if (senderPublicKeyDer === undefined) {
    return refuseInfo('sender_info requires an authenticated request with sender_pubkey');
  }
  const key = parsePublicKeyDer(senderPublicKeyDer);
  const signer =
    key.ok && key.value.scheme === 'canister-signature'
      ? splitCanisterSignatureKey(key.value.raw)
      : undefined;
  if (signer === undefined) {
    return refuseInfo('sender_pubkey is not a valid canister signature public key');
  }
  const canisterId = principalFromBytes(signer.canisterId);
  if (canisterId === undefined || canisterId !== senderInfo.signer) {
    const named = canisterId === undefined ? '' : principalToText(canisterId);
    return refuseInfo(
      `signer ${principalToText(senderInfo.signer)} does not match canister ID ${named} in sender_pubkey`,
    );
  }
  const message = domainSeparated('senderInfo', senderInfo.info);
  const verified = verifyUserSignature(senderPublicKeyDer, message, senderInfo.signature, trust);
  return verified.ok ? ok(null) : refuseInfo(verified.error.message);
}

/** Anonymous reads prove nothing by their expiry; it isn't checked for them. */
function checkExpiry(envelope: Envelope, nowNs: TimeNs): Result<null, HttpError> {
  const { content } = envelope;
  if (content.kind !== 'call' && content.sender === ANONYMOUS_PRINCIPAL) {
    return ok(null);
  }
  const latest = nowNs + MAX_INGRESS_TTL_NS + PERMITTED_DRIFT_NS;
  if (content.ingressExpiryNs >= nowNs && content.ingressExpiryNs <= latest) {
    return ok(null);
  }
  return err(
    httpError(
      'INVALID_EXPIRY',
      `Invalid request expiry: Specified ingress_expiry not within expected range: Minimum allowed expiry: ${timeToText(nowNs)}, Maximum allowed expiry: ${timeToText(latest)}, Provided expiry:        ${timeToText(content.ingressExpiryNs)}`,
    ),
  );
}

function checkSignature(
  envelope: Envelope,
  target: PrincipalId | undefined,
  nowNs: TimeNs,
  trust: SignatureTrust | undefined,
): Result<null, HttpError> {
  const { content, senderPublicKeyDer, senderSignature, delegations } = envelope;
  if (content.sender === ANONYMOUS_PRINCIPAL) {
    return senderPublicKeyDer === undefined &&
      senderSignature === undefined &&
      delegations.length === 0
      ? ok(null)
      : refuse(envelope, 'Signature is not allowed with the anonymous sender.');
  }
  if (senderPublicKeyDer === undefined || senderSignature === undefined) {
    return refuse(envelope, 'Missing signature.');
  }
  if (selfAuthenticatingId(senderPublicKeyDer) !== content.sender) {
    return refuse(
      envelope,
      `The user id ${principalToText(content.sender)} does not match the public key.`,
    );
  }
  const signer = checkDelegations(envelope, senderPublicKeyDer, target, nowNs, trust);
  if (!signer.ok) {
    return signer;
  }
  const verified = verifyUserSignature(
    signer.value,
    requestSigningBytes(envelope.requestId),
    senderSignature,
    trust,
  );
  return verified.ok ? ok(null) : refuse(envelope, `Invalid signature: ${verified.error.message}`);
}

/** Follows the chain from the sender's key; returns the key that must have signed the request. */
function checkDelegations(
  envelope: Envelope,
  senderPublicKeyDer: Uint8Array,
  target: PrincipalId | undefined,
  nowNs: TimeNs,
  trust: SignatureTrust | undefined,
): Result<Uint8Array, HttpError> {
  const seen = new Set([selfAuthenticatingId(senderPublicKeyDer)]);
  let key = senderPublicKeyDer;
  for (const delegation of envelope.delegations) {
    const id = selfAuthenticatingId(delegation.publicKeyDer);
    if (seen.has(id)) {
      return refuse(envelope, 'Invalid delegation: the chain contains a cycle.');
    }
    seen.add(id);
    if (delegation.expirationNs < nowNs) {
      return refuse(
        envelope,
        `Invalid delegation expiry: Specified sender delegation has expired: Provided expiry: ${timeToText(delegation.expirationNs)} Local replica timestamp: ${timeToText(nowNs)}`,
      );
    }
    if (delegation.permissions === 'queries' && envelope.content.kind === 'call') {
      return refuse(envelope, 'Invalid delegation: it permits queries only.');
    }
    if (
      delegation.targets !== undefined &&
      target !== undefined &&
      !delegation.targets.includes(target)
    ) {
      return refuse(
        envelope,
        `Canister ${principalToText(target)} is not one of the delegation targets.`,
      );
    }
    const message = domainSeparated('delegation', delegation.hash);
    const verified = verifyUserSignature(key, message, delegation.signature, trust);
    if (!verified.ok) {
      return refuse(envelope, `Invalid delegation: ${verified.error.message}`);
    }
    key = delegation.publicKeyDer;
  }
  return ok(key);
}

function refuse(envelope: Envelope, why: string): Result<never, HttpError> {
  return err(
    httpError(
      'AUTHENTICATION_FAILED',
      `Failed to authenticate request 0x${envelope.messageId} due to: ${why}`,
    ),
  );
}

const NS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400n;

/** 0, 3, 6 or 9 digits: as many as the fraction needs, as the replica's time type prints it. */
function fractionText(nanoseconds: bigint): string {
  const digits = nanoseconds
    .toString()
    .padStart(9, '0')
    .replace(/(000)+$/, '');
  return digits === '' ? '' : `.${digits}`;
}

/** "2026-11-20 21:23:00.500 UTC" with 0, 3, 6 or 9 decimals; civil date after Hinnant's algorithm. */
export function timeToText(timeNs: TimeNs): string {
  const seconds = timeNs / NS_PER_SECOND;
  const fraction = fractionText(timeNs % NS_PER_SECOND);
  const days = seconds / SECONDS_PER_DAY;
  const inDay = seconds % SECONDS_PER_DAY;
  const shifted = days + 719_468n;
  const era = shifted / 146_097n;
  const dayOfEra = shifted % 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const marchMonth = (5n * dayOfYear + 2n) / 153n;
  const day = dayOfYear - (153n * marchMonth + 2n) / 5n + 1n;
  const month = marchMonth < 10n ? marchMonth + 3n : marchMonth - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  const two = (value: bigint): string => value.toString().padStart(2, '0');
  const clock = `${two(inDay / 3600n)}:${two((inDay / 60n) % 60n)}:${two(inDay % 60n)}`;
  return `${year.toString().padStart(4, '0')}-${two(month)}-${two(day)} ${clock}${fraction} UTC`;
}
