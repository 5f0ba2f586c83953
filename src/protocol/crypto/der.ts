import { assert } from '../../base/assert.ts';
import { compareBytes, concatBytes, equalBytes } from '../../base/bytes.ts';
import { hexToBytes } from '../../base/hex.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';

/** Public keys as DER SubjectPublicKeyInfo, the forms the IC knows (interface specification, "Signatures"). */
export type PublicKeyScheme =
  | 'ed25519'
  | 'ecdsa-p256'
  | 'ecdsa-secp256k1'
  | 'bls12-381'
  | 'cose'
  | 'canister-signature';

export interface ParsedPublicKey {
  readonly scheme: PublicKeyScheme;
  /** Curve keys: the raw key. COSE: the CBOR map. Canister signatures: length, canister id, seed. */
  readonly raw: Uint8Array;
}

export type DerError = CodedError<'MALFORMED_KEY'>;

/** Longest user key taken: an RSA-4096 COSE key has about 540 bytes. */
export const MAX_PUBLIC_KEY_DER_BYTES = 1024;

function bytesOf(hex: string): Uint8Array {
  const bytes = hexToBytes(hex);
  assert(bytes !== undefined, 'DER constants are hex');
  return bytes;
}

interface FixedForm {
  readonly scheme: PublicKeyScheme;
  readonly prefix: Uint8Array;
  readonly rawBytes: number;
}

const ED25519: FixedForm = {
  scheme: 'ed25519',
  prefix: bytesOf('302a300506032b6570032100'),
  rawBytes: 32,
};
const P256: FixedForm = {
  scheme: 'ecdsa-p256',
  prefix: bytesOf('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  rawBytes: 65,
};
const SECP256K1: FixedForm = {
  scheme: 'ecdsa-secp256k1',
  prefix: bytesOf('3056301006072a8648ce3d020106052b8104000a034200'),
  rawBytes: 65,
};
const BLS12_381: FixedForm = {
  scheme: 'bls12-381',
  prefix: bytesOf('308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100'),
  rawBytes: 96,
};
const FIXED_FORMS: readonly FixedForm[] = [ED25519, P256, SECP256K1, BLS12_381];
/** AlgorithmIdentifier {OID 1.3.6.1.4.1.56387.1.x} of the two open-ended forms. */
const COSE_ALGORITHM = bytesOf('300c060a2b0601040183b8430101');
const CANISTER_SIGNATURE_ALGORITHM = bytesOf('300c060a2b0601040183b8430102');

function wrapFixed(form: FixedForm, raw: Uint8Array): Uint8Array {
  assert(raw.length === form.rawBytes, `a raw ${form.scheme} key has its length`);
  return concatBytes(form.prefix, raw);
}

/** 32 raw bytes → 44. */
export function wrapEd25519(raw: Uint8Array): Uint8Array {
  return wrapFixed(ED25519, raw);
}

/** 65 uncompressed bytes → 91. */
export function wrapP256(raw: Uint8Array): Uint8Array {
  return wrapFixed(P256, raw);
}

/** 96 compressed G2 bytes → 133: subnet keys. */
export function wrapBls(raw: Uint8Array): Uint8Array {
  return wrapFixed(BLS12_381, raw);
}

function derLength(length: number): Uint8Array {
  if (length < 0x80) {
    return Uint8Array.of(length);
  }
  return length < 0x1_00
    ? Uint8Array.of(0x81, length)
    : Uint8Array.of(0x82, length >> 8, length & 0xff);
}

function wrapOpen(algorithm: Uint8Array, raw: Uint8Array): Uint8Array {
  const bits = concatBytes(Uint8Array.of(0x03), derLength(raw.length + 1), Uint8Array.of(0), raw);
  return concatBytes(
    Uint8Array.of(0x30),
    derLength(algorithm.length + bits.length),
    algorithm,
    bits,
  );
}

/** A COSE key (WebAuthn) as DER. */
export function wrapCose(coseKey: Uint8Array): Uint8Array {
  return wrapOpen(COSE_ALGORITHM, coseKey);
}

/** A canister-signature key as DER. */
export function wrapCanisterSignatureKey(canisterId: Uint8Array, seed: Uint8Array): Uint8Array {
  assert(canisterId.length <= 29, 'a canister id is a principal');
  return wrapOpen(
    CANISTER_SIGNATURE_ALGORITHM,
    concatBytes(Uint8Array.of(canisterId.length), canisterId, seed),
  );
}

/** Splits the raw part of a canister-signature key. */
export function splitCanisterSignatureKey(
  raw: Uint8Array,
): { readonly canisterId: Uint8Array; readonly seed: Uint8Array } | undefined {
  const length = raw[0];
  if (length === undefined || length > 29 || raw.length < 1 + length) {
    return undefined;
  }
  return { canisterId: raw.slice(1, 1 + length), seed: raw.slice(1 + length) };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return (
    bytes.length >= prefix.length && compareBytes(bytes.subarray(0, prefix.length), prefix) === 0
  );
}

function malformed(why: string): Result<ParsedPublicKey, DerError> {
  return err(codedError('input', 'MALFORMED_KEY', `Not a DER public key the IC knows: ${why}.`));
}

/** Finds the scheme of a DER public key and its raw key. Only the exact DER encodings are accepted. */
export function parsePublicKeyDer(der: Uint8Array): Result<ParsedPublicKey, DerError> {
  if (der.length > MAX_PUBLIC_KEY_DER_BYTES) {
    return malformed('too long');
  }
  for (const form of FIXED_FORMS) {
    if (startsWith(der, form.prefix)) {
      const raw = der.slice(form.prefix.length);
      return raw.length === form.rawBytes
        ? ok({ scheme: form.scheme, raw })
        : malformed(`${form.scheme} key of wrong length`);
    }
  }
  return parseOpenForm(der);
}

/** Rebuilds the encoding from the last `rawLength` bytes and compares: no lax DER gets through. */
function parseOpenForm(der: Uint8Array): Result<ParsedPublicKey, DerError> {
  const headBytes = der.length < 2 ? 0 : der[1] === 0x81 ? 3 : der[1] === 0x82 ? 4 : 2;
  const algorithm = der.slice(headBytes, headBytes + COSE_ALGORITHM.length);
  const isCose = equalBytes(algorithm, COSE_ALGORITHM);
  if (!isCose && !equalBytes(algorithm, CANISTER_SIGNATURE_ALGORITHM)) {
    return malformed('unknown algorithm');
  }
  const bitsAt = headBytes + algorithm.length;
  const marker = der[bitsAt + 1] ?? 0;
  const rawAt = bitsAt + (marker === 0x81 ? 4 : marker === 0x82 ? 5 : 3);
  const raw = der.slice(rawAt);
  if (!equalBytes(wrapOpen(algorithm, raw), der)) {
    return malformed('wrong lengths');
  }
  return ok({ scheme: isCose ? 'cose' : 'canister-signature', raw });
}

/** Raw 32 bytes of an Ed25519 DER key. */
export function unwrapEd25519(der: Uint8Array): Result<Uint8Array, DerError> {
  return unwrapScheme(der, 'ed25519');
}

/** Raw 96 bytes of a BLS DER key. */
export function unwrapBls(der: Uint8Array): Result<Uint8Array, DerError> {
  return unwrapScheme(der, 'bls12-381');
}

function unwrapScheme(der: Uint8Array, scheme: PublicKeyScheme): Result<Uint8Array, DerError> {
  const parsed = parsePublicKeyDer(der);
  if (!parsed.ok) {
    return parsed;
  }
  return parsed.value.scheme === scheme
    ? ok(parsed.value.raw)
    : err(
        codedError(
          'input',
          'MALFORMED_KEY',
          `Expected a ${scheme} key, got ${parsed.value.scheme}.`,
        ),
      );
}
