import { assert } from '../../../base/assert.ts';
import { ok } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { sha256 } from '../../crypto/sha256.ts';
import type { BlsSuite } from '../../crypto/suite.ts';
import type { DkgError, DkgReceiverKey, NodeRecords, ShareOpening } from '../../interfaces/dkg.ts';
import type { DkgComplaint, DkgConfig, DkgDealing } from '../../types/dkg.ts';
import type { FeldmanDealing } from './dealing-codec.ts';
import { decodeComplaint, decodeDealing, encodeComplaint } from './dealing-codec.ts';
import { type LogStatement, proveLog, verifyLog } from './discrete-log-proof.ts';
import { maskPiece, matchingShare, type PieceAddress, runDigest } from './piece.ts';
import { dkgKeyOf, fault, sameRun, shapeOf } from './run.ts';
import { framed } from './transcript-hash.ts';

/**
 * The receiver's side of a dealing. A complaint publishes S = x · R, the Diffie–Hellman point of
 * one piece, with a proof that log(receiver's key) = log_R(S): with S everybody decrypts the piece
 * and judges it as the receiver did.
 *
 * The proof names run, dealer, complainer and the dealing's content, so a complaint can't be
 * replayed for another. S opens no other dealing: each dealer proves to know its own R.
 */
interface OpenedPiece {
  readonly dealing: FeldmanDealing;
  readonly address: PieceAddress;
  readonly index: number;
  readonly sharedPoint: Uint8Array;
}

function statementOf(
  address: PieceAddress,
  content: Uint8Array,
  sharedPoint: Uint8Array,
): LogStatement {
  const names = [address.dealer, address.receiver].map(encodeUtf8);
  return {
    domain: 'subnetarium-feldman-complaint',
    context: framed('subnetarium-feldman-complaint', [address.run, sha256(content), ...names]),
    pairs: [
      { base: null, point: address.receiverKey },
      { base: address.ephemeralKey, point: sharedPoint },
    ],
  };
}

function shareIn(
  bls: BlsSuite,
  { dealing, address, index, sharedPoint }: OpenedPiece,
): Uint8Array | undefined {
  const piece = dealing.pieces[index] as Uint8Array;
  return matchingShare(bls, dealing, index, maskPiece(address, sharedPoint, piece));
}

function openPiece(
  bls: BlsSuite,
  config: DkgConfig,
  records: NodeRecords,
  { dealer, content }: DkgDealing,
  { nodeId, dkgSecretKey }: DkgReceiverKey,
): OpenedPiece {
  const decoded = decodeDealing(content, shapeOf(config));
  assert(decoded.ok, 'only verified dealings are opened');
  const index = config.receivers.indexOf(nodeId);
  assert(index !== -1, 'only a receiver opens its piece');
  const { ephemeralKey } = decoded.value;
  const shared = bls.multiplyPublicKey(ephemeralKey, dkgSecretKey);
  assert(shared.ok, 'the ephemeral key of a verified dealing is a point');
  const receiverKey = dkgKeyOf(records, nodeId);
  const run = runDigest(config);
  return {
    dealing: decoded.value,
    address: { run, dealer, receiver: nodeId, receiverKey, ephemeralKey },
    index,
    sharedPoint: shared.value,
  };
}

function prove(
  bls: BlsSuite,
  { address, sharedPoint }: OpenedPiece,
  content: Uint8Array,
  receiver: DkgReceiverKey,
): Uint8Array {
  const statement = statementOf(address, content, sharedPoint);
  const proof = proveLog(bls, statement, receiver.dkgSecretKey);
  return encodeComplaint({ sharedPoint, proof });
}

/**
 * A well-formed complaint whatever the piece holds. Honest receivers complain through
 * `openFeldmanShare`; about a good piece this is the lie that `verifyComplaint` calls unfounded.
 */
export function complainAbout(
  bls: BlsSuite,
  config: DkgConfig,
  records: NodeRecords,
  dealing: DkgDealing,
  receiver: DkgReceiverKey,
): Uint8Array {
  const opened = openPiece(bls, config, records, dealing, receiver);
  return prove(bls, opened, dealing.content, receiver);
}

/** See `DkgScheme.openShare`. */
export function openFeldmanShare(
  bls: BlsSuite,
  config: DkgConfig,
  records: NodeRecords,
  dealing: DkgDealing,
  receiver: DkgReceiverKey,
): ShareOpening {
  const opened = openPiece(bls, config, records, dealing, receiver);
  const share = shareIn(bls, opened);
  return share === undefined
    ? { kind: 'bad', complaint: prove(bls, opened, dealing.content, receiver) }
    : { kind: 'good', share };
}

/** See `DkgScheme.verifyComplaint`. */
export function verifyFeldmanComplaint(
  bls: BlsSuite,
  config: DkgConfig,
  records: NodeRecords,
  dealing: DkgDealing,
  complaint: DkgComplaint,
): Result<void, DkgError> {
  const { dealer, content } = dealing;
  const { complainer } = complaint;
  const index = config.receivers.indexOf(complainer);
  const aboutDealing =
    sameRun(complaint.id, config.id) &&
    sameRun(dealing.id, config.id) &&
    complaint.dealer === dealer;
  const parts = decodeComplaint(complaint.content);
  if (!aboutDealing || index === -1 || parts === undefined) {
    return fault('MALFORMED_COMPLAINT', 'A complaint is not about a piece of this dealing.');
  }
  const decoded = decodeDealing(content, shapeOf(config));
  if (!decoded.ok) {
    return decoded;
  }
  const { sharedPoint, proof } = parts;
  const address: PieceAddress = {
    run: runDigest(config),
    dealer,
    receiver: complainer,
    receiverKey: dkgKeyOf(records, complainer),
    ephemeralKey: decoded.value.ephemeralKey,
  };
  if (!verifyLog(bls, statementOf(address, content, sharedPoint), proof)) {
    return fault('MALFORMED_COMPLAINT', 'A complaint does not prove the point it opens with.');
  }
  return shareIn(bls, { dealing: decoded.value, address, index, sharedPoint }) === undefined
    ? ok(undefined)
    : fault('UNFOUNDED_COMPLAINT', `${dealer} dealt ${complainer} a good piece.`);
}
