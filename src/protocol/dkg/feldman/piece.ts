import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { equalBytes } from '../../../base/bytes.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { scalarFromBytes } from '../../crypto/scalars.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { type BlsSuite, BLS_SECRET_KEY_BYTES } from '../../crypto/suite.ts';
import type { DkgConfig } from '../../types/dkg.ts';
import type { NodeId } from '../../types/ids.ts';
import type { FeldmanDealing } from './dealing-codec.ts';
import { framed } from './transcript-hash.ts';

/** Who deals what to whom, where: a piece is one receiver's part of one dealing. */
export interface PieceAddress {
  /** From `runDigest`. */
  readonly run: Uint8Array;
  readonly dealer: NodeId;
  readonly receiver: NodeId;
  readonly receiverKey: Uint8Array;
  readonly ephemeralKey: Uint8Array;
}

/** Names a run by everything that is agreed on about it, 32 bytes. */
export function runDigest(config: DkgConfig): Uint8Array {
  const numbers = [
    config.id.startHeight,
    config.threshold,
    config.collectionThreshold,
    config.registryVersion,
    config.dealers.length,
    config.receivers.length,
  ].map(String);
  const texts = [config.id.tag, ...numbers, ...config.dealers, ...config.receivers];
  return sha256(
    framed('subnetarium-feldman-context', [
      ...texts.map(encodeUtf8),
      ...(config.resharing?.coefficients ?? []),
    ]),
  );
}

/**
 * Encrypts or decrypts a piece: exclusive or with 32 bytes of HKDF-SHA256 of the Diffie–Hellman
 * point. A key is used once, since the dealer draws R anew for each dealing and the address names
 * the receiver: a one-time pad. There is no tag: the coefficients in the same dealing fit exactly
 * one plaintext, so `matchingShare` finds every change, and it finds a dealer's lie as well.
 */
export function maskPiece(
  address: PieceAddress,
  sharedPoint: Uint8Array,
  piece: Uint8Array,
): Uint8Array {
  const info = framed('subnetarium-feldman-piece-pad', [
    address.run,
    encodeUtf8(address.dealer),
    encodeUtf8(address.receiver),
    address.receiverKey,
    address.ephemeralKey,
  ]);
  const pad = hkdf(nobleSha256, sharedPoint, undefined, info, BLS_SECRET_KEY_BYTES);
  for (let i = 0; i < pad.length; i += 1) {
    pad[i] = (pad[i] as number) ^ (piece[i] as number);
  }
  return pad;
}

/** The share in a decrypted piece; undefined unless it is the value of the public polynomial at i + 1. */
export function matchingShare(
  bls: BlsSuite,
  dealing: FeldmanDealing,
  receiverIndex: number,
  decrypted: Uint8Array,
): Uint8Array | undefined {
  if (scalarFromBytes(decrypted) === undefined) {
    return undefined;
  }
  const expected = bls.evaluatePublicShare(dealing.coefficients, receiverIndex);
  return expected.ok && equalBytes(expected.value, bls.publicKey(decrypted))
    ? decrypted
    : undefined;
}
