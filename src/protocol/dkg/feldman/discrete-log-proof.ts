import { assert, present } from '../../../base/assert.ts';
import { concatBytes, equalBytes } from '../../../base/bytes.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { bigintFromBytes, mod, scalarFromBytes, scalarToBytes } from '../../crypto/scalars.ts';
import { BLS_SECRET_KEY_BYTES } from '../../crypto/suite.ts';
import type { BlsSuite } from '../../crypto/suite.ts';
import { type FeldmanDomain, hashToScalar } from './transcript-hash.ts';

/**
 * Non-interactive proof that one secret x links every pair: pointᵢ = x · baseᵢ. With one pair this
 * is Schnorr's proof of knowledge, with two Chaum and Pedersen's of equal discrete logarithms. The
 * challenge hashes domain, context, all pairs and all commitments (strong Fiat–Shamir), so a proof
 * holds for nothing else.
 *
 * The nonce derives from the secret and the statement: a repeated random stream (a restarted node,
 * a simulation) never signs two statements with one nonce, which would give the secret away.
 *
 * Upstream of the construction: Chaum, Pedersen, "Wallet databases with observers", 1992.
 */
export const LOG_PROOF_BYTES = 2 * BLS_SECRET_KEY_BYTES;

interface LogPair {
  /** null = the generator of the group of keys. */
  readonly base: Uint8Array | null;
  readonly point: Uint8Array;
}

export interface LogStatement {
  readonly domain: FeldmanDomain;
  /** What the proof is bound to beside the points. */
  readonly context: Uint8Array;
  /** Points and bases of the group (`decodeG2` accepts them). */
  readonly pairs: readonly LogPair[];
}

/** scalar · base, undefined when the base is no point. */
function multiply(
  bls: BlsSuite,
  base: Uint8Array | null,
  scalar: Uint8Array,
): Uint8Array | undefined {
  if (base === null) {
    return bls.publicKey(scalar);
  }
  const product = bls.multiplyPublicKey(base, scalar);
  return product.ok ? product.value : undefined;
}

function statementParts(statement: LogStatement): readonly Uint8Array[] {
  return [
    statement.context,
    ...statement.pairs.flatMap(({ base, point }) => [base ?? new Uint8Array(0), point]),
  ];
}

function challengeOf(statement: LogStatement, commitments: readonly Uint8Array[]): Uint8Array {
  return hashToScalar(statement.domain, [...statementParts(statement), ...commitments]);
}

/**
 * @param secret 32 bytes, the x of every pair.
 * @returns challenge and response, 64 bytes.
 */
export function proveLog(bls: BlsSuite, statement: LogStatement, secret: Uint8Array): Uint8Array {
  const nonce = hashToScalar('subnetarium-feldman-nonce', [
    secret,
    encodeUtf8(statement.domain),
    ...statementParts(statement),
  ]);
  const commitments = statement.pairs.map(({ base }) =>
    present(multiply(bls, base, nonce), 'the bases of an own statement are points'),
  );
  const challenge = challengeOf(statement, commitments);
  const response = mod(
    bigintFromBytes(nonce) + bigintFromBytes(challenge) * bigintFromBytes(secret),
  );
  assert(response !== 0n, 'a response is zero once in 2^255 statements');
  return concatBytes(challenge, scalarToBytes(response));
}

/** False for malformed points, scalars that are not canonical, and a challenge of other bytes. */
export function verifyLog(bls: BlsSuite, statement: LogStatement, proof: Uint8Array): boolean {
  const challengeBytes = proof.subarray(0, BLS_SECRET_KEY_BYTES);
  const challenge = scalarFromBytes(challengeBytes);
  const answer = scalarFromBytes(proof.subarray(BLS_SECRET_KEY_BYTES));
  if (challenge === undefined || answer === undefined) {
    return false;
  }
  const commitments: Uint8Array[] = [];
  for (const { base, point } of statement.pairs) {
    const commitment = bls.linearCombination([
      { publicKey: base, scalar: answer },
      { publicKey: point, scalar: mod(-challenge) },
    ]);
    if (!commitment.ok) {
      return false;
    }
    commitments.push(commitment.value);
  }
  return equalBytes(challengeOf(statement, commitments), challengeBytes);
}
