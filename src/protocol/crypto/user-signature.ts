import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { verifyCanisterSignature, type SignatureTrust } from './canister-signature.ts';
import type { PublicKeyScheme } from './der.ts';
import { parsePublicKeyDer } from './der.ts';
import { verifyEd25519 } from './ed25519.ts';

export type UserSignatureErrorCode = 'MALFORMED_KEY' | 'UNSUPPORTED_KEY' | 'BAD_SIGNATURE';
export type UserSignatureError = CodedError<UserSignatureErrorCode>;

/** r and s, 32 bytes each. */
export const ECDSA_SIGNATURE_BYTES = 64;

/** ECDSA over SHA-256 of the message. High s is accepted: WebCrypto doesn't normalise it. */
function verifyEcdsa(
  curve: typeof p256,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== ECDSA_SIGNATURE_BYTES) {
    return false;
  }
  try {
    return curve.verify(signature, message, publicKey, {
      lowS: false,
      prehash: true,
      format: 'compact',
    });
  } catch {
    return false;
  }
}

/**
 * Checks a user's signature on `message` (already domain separated) by a DER public key: Ed25519,
 * ECDSA P-256 or secp256k1, or a canister's. Returns the scheme. WebAuthn signatures are recognised
 * and answered with UNSUPPORTED_KEY; so are BLS keys, which no user has.
 * @param trust for canister signatures; without it they are UNSUPPORTED_KEY too
 */
export function verifyUserSignature(
  publicKeyDer: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  trust?: SignatureTrust,
): Result<PublicKeyScheme, UserSignatureError> {
  const parsed = parsePublicKeyDer(publicKeyDer);
  if (!parsed.ok) {
    return parsed;
  }
  const { scheme, raw } = parsed.value;
  if (scheme === 'canister-signature' && trust !== undefined) {
    const verified = verifyCanisterSignature(raw, message, signature, trust);
    return verified.ok ? ok(scheme) : verified;
  }
  let valid: boolean;
  switch (scheme) {
    case 'ed25519':
      valid = verifyEd25519(raw, message, signature);
      break;
    case 'ecdsa-p256':
      valid = verifyEcdsa(p256, raw, message, signature);
      break;
    case 'ecdsa-secp256k1':
      valid = verifyEcdsa(secp256k1, raw, message, signature);
      break;
    default:
      return err(
        codedError(
          'input',
          'UNSUPPORTED_KEY',
          `Signatures of scheme ${scheme} are not supported here.`,
        ),
      );
  }
  return valid
    ? ok(scheme)
    : err(
        codedError(
          'trust',
          'BAD_SIGNATURE',
          `The ${scheme} signature does not fit key and message.`,
        ),
      );
}
