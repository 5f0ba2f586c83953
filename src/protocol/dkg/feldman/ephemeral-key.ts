import { concatBytes } from '../../../base/bytes.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { sha256 } from '../../crypto/sha256.ts';
import type { BlsSuite } from '../../crypto/suite.ts';
import type { NodeId } from '../../types/ids.ts';
import { encodeDealing, type FeldmanDealing } from './dealing-codec.ts';
import { type LogStatement, proveLog, verifyLog } from './discrete-log-proof.ts';

/**
 * The dealer's proof that it knows r of R = r · G2. It names run, dealer, coefficients and pieces,
 * so R serves in this dealing only, and nobody's R is taken over or blended into another.
 */
function statementOf(
  run: Uint8Array,
  dealer: NodeId,
  dealing: Omit<FeldmanDealing, 'ephemeralProof'>,
): LogStatement {
  return {
    domain: 'subnetarium-feldman-ephemeral-key',
    context: concatBytes(
      run,
      sha256(...dealing.coefficients),
      sha256(...dealing.pieces),
      encodeUtf8(dealer),
    ),
    pairs: [{ base: null, point: dealing.ephemeralKey }],
  };
}

export interface UnsealedDealing {
  /** From `runDigest`. */
  readonly run: Uint8Array;
  readonly dealer: NodeId;
  readonly coefficients: readonly Uint8Array[];
  /** Encrypted with the same ephemeral secret. */
  readonly pieces: readonly Uint8Array[];
}

/** The bytes of a dealing, whatever its coefficients and pieces say; honest dealers go through `deal`. */
export function sealDealing(
  bls: BlsSuite,
  { run, dealer, coefficients, pieces }: UnsealedDealing,
  ephemeralSecret: Uint8Array,
): Uint8Array {
  const unproved = { ephemeralKey: bls.publicKey(ephemeralSecret), coefficients, pieces };
  const ephemeralProof = proveLog(bls, statementOf(run, dealer, unproved), ephemeralSecret);
  return encodeDealing({ ...unproved, ephemeralProof });
}

/** Whether the dealer knows the secret of the dealing's ephemeral key, a point of the group. */
export function ownsEphemeralKey(
  bls: BlsSuite,
  run: Uint8Array,
  dealer: NodeId,
  dealing: FeldmanDealing,
): boolean {
  return verifyLog(bls, statementOf(run, dealer, dealing), dealing.ephemeralProof);
}
