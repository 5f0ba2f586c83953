import { assert, present } from '../../../base/assert.ts';
import { equalBytes } from '../../../base/bytes.ts';
import { createPrng } from '../../../base/prng.ts';
import type { Prng } from '../../../base/prng.ts';
import { ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import {
  bigintFromBytes,
  drawScalar,
  evaluatePolynomial,
  scalarToBytes,
} from '../../crypto/scalars.ts';
import { sha256 } from '../../crypto/sha256.ts';
import type { BlsSuite, CryptoSuite } from '../../crypto/suite.ts';
import type { DkgError, DkgScheme, NodeRecords } from '../../interfaces/dkg.ts';
import type { DkgConfig, DkgDealing } from '../../types/dkg.ts';
import type { NodeId } from '../../types/ids.ts';
import { combineFeldmanDealings, combineFeldmanShares, oldIndexOf } from './combine.ts';
import { openFeldmanShare, verifyFeldmanComplaint } from './complaint.ts';
import { decodeDealing } from './dealing-codec.ts';
import { ownsEphemeralKey, sealDealing } from './ephemeral-key.ts';
import { maskPiece, runDigest } from './piece.ts';
import { dkgKeyOf, fault, sameRun, shapeOf } from './run.ts';
import { framed } from './transcript-hash.ts';

/**
 * Feldman's verifiable secret sharing as the content of dealings. A dealer draws a polynomial of
 * degree threshold − 1 (for a resharing its constant term is the dealer's share of the old key),
 * publishes its coefficients in the group of keys and sends receiver i its value at i + 1,
 * encrypted with one ephemeral Diffie–Hellman key per dealing (`piece.ts`).
 *
 * Security, with at most f corrupt nodes and every complaint of an honest receiver in a block
 * before the interval ends:
 * - Fewer than `threshold` shares say nothing about the key; nobody ever holds it whole.
 * - What honest receivers combine lies on one polynomial of degree threshold − 1, the transcript's.
 * - A resharing keeps the public key: each constant term is checked against the old key.
 * - The proof that the dealer knows r binds R to run, dealer and content. Without it a dealer could
 *   copy another's R, cheat on purpose, and read the other's piece out of the honest complaint.
 * - A complaint opens one piece of one dealing and no other; nobody can blame an honest dealer.
 * Liveness: `collectionThreshold` honest dealers suffice; a cheat costs its dealing, no restart.
 *
 * Weaker than the IC's NI-DKG:
 * - Not publicly verifiable: whether a piece is good is known to its receiver only. A cheated
 *   receiver that is away until the interval ends has no share for one interval.
 * - No forward secrecy: a receiver's DKG key lives as long as the node and opens every dealing ever
 *   recorded for it. Deleting old shares helps only while that key stays secret, where the IC's
 *   receivers also move their decryption keys forward.
 * - A dealer that speaks last can bias a fresh public key (Gennaro et al. 2007); for threshold BLS
 *   this gives no forgery.
 *
 * A scheme keeps no secrets: a share it returns is the only lasting copy, which `fill(0)` erases.
 * Numbers it computed with are gone when the engine collects its garbage.
 */

/** Random coefficients above a given constant term; no receiver's value may be zero. */
function drawPolynomial(random: Prng, config: DkgConfig, constant: bigint | undefined) {
  for (;;) {
    const polynomial = Array.from({ length: config.threshold }, (_, degree) =>
      degree === 0 && constant !== undefined ? constant : drawScalar(random),
    );
    const values = config.receivers.map((_, i) => evaluatePolynomial(polynomial, BigInt(i) + 1n));
    if (!values.includes(0n)) {
      return { polynomial, values };
    }
    assert(config.threshold > 1, 'a share to deal anew is not zero');
  }
}

/**
 * The dealer's randomness also depends on the run and on its secret: a random stream that repeats
 * gives the same dealing again or an independent one, never one polynomial in two runs.
 */
function dealerRandomness(
  run: Uint8Array,
  dealer: NodeId,
  ownShare: Uint8Array | null,
  entropy: Prng,
): Prng {
  const parts = [run, encodeUtf8(dealer), ownShare ?? new Uint8Array(0), entropy.bytes(32)];
  return createPrng(sha256(framed('subnetarium-feldman-dealer-randomness', parts)));
}

function deal(
  bls: BlsSuite,
  config: DkgConfig,
  records: NodeRecords,
  dealer: NodeId,
  ownShare: Uint8Array | null,
  entropy: Prng,
): Uint8Array {
  const run = runDigest(config);
  const dealtShare =
    config.resharing === null ? null : present(ownShare, 'a dealer of a resharing has a share');
  const random = dealerRandomness(run, dealer, dealtShare, entropy);
  const constant = dealtShare === null ? undefined : bigintFromBytes(dealtShare);
  const { polynomial, values } = drawPolynomial(random, config, constant);
  const ephemeralSecret = scalarToBytes(drawScalar(random));
  const ephemeralKey = bls.publicKey(ephemeralSecret);
  const pieces = config.receivers.map((receiver, i) => {
    const receiverKey = dkgKeyOf(records, receiver);
    const shared = bls.multiplyPublicKey(receiverKey, ephemeralSecret);
    assert(shared.ok, 'the registry holds checked DKG keys only');
    const address = { run, dealer, receiver, receiverKey, ephemeralKey };
    return maskPiece(address, shared.value, scalarToBytes(values[i] as bigint));
  });
  const coefficients = polynomial.map((scalar) => bls.publicKey(scalarToBytes(scalar)));
  return sealDealing(bls, { run, dealer, coefficients, pieces }, ephemeralSecret);
}

/** A resharing deals the dealer's own share of the old key and nothing else. */
function resharingFault(
  bls: BlsSuite,
  config: DkgConfig,
  dealer: NodeId,
  constantTerm: Uint8Array,
): Result<void, DkgError> {
  if (config.resharing === null) {
    return ok(undefined);
  }
  const index = oldIndexOf(config.resharing, dealer);
  if (index === undefined) {
    return fault('WRONG_DEALER', `${dealer} holds no share of the key that is dealt anew.`);
  }
  const expected = bls.evaluatePublicShare(config.resharing.coefficients, index);
  return expected.ok && equalBytes(expected.value, constantTerm)
    ? ok(undefined)
    : fault('NOT_A_RESHARING', `${dealer} deals something else than its share of the old key.`);
}

function verifyDealing(
  bls: BlsSuite,
  config: DkgConfig,
  { id, dealer, content }: DkgDealing,
): Result<void, DkgError> {
  if (!sameRun(id, config.id)) {
    return fault('MALFORMED_DEALING', 'A dealing belongs to another run.');
  }
  if (!config.dealers.includes(dealer)) {
    return fault('WRONG_DEALER', `${dealer} is no dealer of this run.`);
  }
  const decoded = decodeDealing(content, shapeOf(config));
  if (!decoded.ok) {
    return decoded;
  }
  const dealing = decoded.value;
  const resharing = resharingFault(bls, config, dealer, dealing.coefficients[0] as Uint8Array);
  if (!resharing.ok) {
    return resharing;
  }
  if (dealing.coefficients.some((point) => !bls.aggregatePublicKeys([point]).ok)) {
    return fault('MALFORMED_DEALING', 'A coefficient is no point of the group.');
  }
  return ownsEphemeralKey(bls, runDigest(config), dealer, dealing)
    ? ok(undefined)
    : fault('MALFORMED_DEALING', 'The dealer does not prove to know its ephemeral key.');
}

/** The scheme over the subnet's own curve; with the insecure suite it keeps the algebra and hides nothing. */
export function createFeldmanScheme(suite: CryptoSuite): DkgScheme {
  const { bls } = suite;
  return {
    name: 'feldman',
    receiverPublicKey: (dkgSecretKey) => bls.publicKey(dkgSecretKey),
    deal: (config, records, dealer, ownShare, entropy) =>
      deal(bls, config, records, dealer, ownShare, entropy),
    verifyDealing: (config, _records, dealing) => verifyDealing(bls, config, dealing),
    openShare: (config, records, dealing, receiver) =>
      openFeldmanShare(bls, config, records, dealing, receiver),
    verifyComplaint: (config, records, dealing, complaint) =>
      verifyFeldmanComplaint(bls, config, records, dealing, complaint),
    combineDealings: (config, dealings) => combineFeldmanDealings(bls, config, dealings),
    combineShares: combineFeldmanShares,
  };
}
