import { concatBytes } from '../../../base/bytes.ts';
import { codedError, err, ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import { BLS_PUBLIC_KEY_BYTES, BLS_SECRET_KEY_BYTES } from '../../crypto/suite.ts';
import type { DkgError } from '../../interfaces/dkg.ts';
import { MAX_COMPLAINT_BYTES, MAX_DEALING_BYTES } from '../../limits/dkg.ts';
import { LOG_PROOF_BYTES } from './discrete-log-proof.ts';

/**
 * Content of a `feldman` dealing and of a complaint. Fixed widths after two counts, so a value has
 * one encoding. Points are taken as they are; who computes with them checks them.
 */
export interface FeldmanDealing {
  /** R = r · G2, the dealer's half of every Diffie–Hellman exchange of this dealing. */
  readonly ephemeralKey: Uint8Array;
  /** That the dealer knows r, bound to everything else in the dealing. */
  readonly ephemeralProof: Uint8Array;
  /** Public polynomial, constant term first. */
  readonly coefficients: readonly Uint8Array[];
  /** Encrypted value of the polynomial at i + 1 for receiver i. */
  readonly pieces: readonly Uint8Array[];
}

export interface FeldmanComplaint {
  /** S = x · R with x the complainer's secret DKG key. */
  readonly sharedPoint: Uint8Array;
  readonly proof: Uint8Array;
}

const COUNT_BYTES = 2;
const HEADER_BYTES = COUNT_BYTES + BLS_PUBLIC_KEY_BYTES + LOG_PROOF_BYTES;

export function encodeDealing(dealing: FeldmanDealing): Uint8Array {
  return concatBytes(
    Uint8Array.of(dealing.coefficients.length, dealing.pieces.length),
    dealing.ephemeralKey,
    dealing.ephemeralProof,
    ...dealing.coefficients,
    ...dealing.pieces,
  );
}

function malformed(message: string): Result<never, DkgError> {
  return err(codedError('input', 'MALFORMED_DEALING', message));
}

function slices(bytes: Uint8Array, start: number, width: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    bytes.slice(start + i * width, start + (i + 1) * width),
  );
}

/** @param shape what the run asks for: anything else is no dealing of it. */
export function decodeDealing(
  bytes: Uint8Array,
  shape: { readonly threshold: number; readonly receivers: number },
): Result<FeldmanDealing, DkgError> {
  const [coefficientCount, pieceCount] = bytes;
  if (bytes.length > MAX_DEALING_BYTES) {
    return malformed('A dealing is larger than any dealing can be.');
  }
  if (coefficientCount === undefined || pieceCount !== shape.receivers) {
    return malformed('A dealing does not have one piece for each receiver.');
  }
  const piecesStart = HEADER_BYTES + coefficientCount * BLS_PUBLIC_KEY_BYTES;
  if (bytes.length !== piecesStart + pieceCount * BLS_SECRET_KEY_BYTES) {
    return malformed('A dealing is shorter or longer than its counts say.');
  }
  if (coefficientCount !== shape.threshold) {
    const message = `A dealing has ${String(coefficientCount)} coefficients where the key needs ${String(shape.threshold)}.`;
    return err(codedError('protocol', 'WRONG_THRESHOLD', message));
  }
  const proofStart = COUNT_BYTES + BLS_PUBLIC_KEY_BYTES;
  return ok({
    ephemeralKey: bytes.slice(COUNT_BYTES, proofStart),
    ephemeralProof: bytes.slice(proofStart, HEADER_BYTES),
    coefficients: slices(bytes, HEADER_BYTES, BLS_PUBLIC_KEY_BYTES, coefficientCount),
    pieces: slices(bytes, piecesStart, BLS_SECRET_KEY_BYTES, pieceCount),
  });
}

export function encodeComplaint(complaint: FeldmanComplaint): Uint8Array {
  return concatBytes(complaint.sharedPoint, complaint.proof);
}

/** Undefined unless it has the one length a complaint has. */
export function decodeComplaint(bytes: Uint8Array): FeldmanComplaint | undefined {
  return bytes.length === MAX_COMPLAINT_BYTES
    ? {
        sharedPoint: bytes.slice(0, BLS_PUBLIC_KEY_BYTES),
        proof: bytes.slice(BLS_PUBLIC_KEY_BYTES),
      }
    : undefined;
}
