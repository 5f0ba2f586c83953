import { webcrypto } from 'node:crypto';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import { p256 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../base/bytes.ts';
import { hexToBytes } from '../../base/hex.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import {
  parsePublicKeyDer,
  splitCanisterSignatureKey,
  wrapBls,
  wrapCanisterSignatureKey,
  wrapCose,
  wrapP256,
} from './der.ts';
import { verifyUserSignature } from './user-signature.ts';

const message = encodeUtf8('\nic-request....');
const other = encodeUtf8('\nic-request...!');

describe('user signatures', () => {
  it.each([
    ['ed25519', Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7))],
    ['ecdsa-secp256k1', Secp256k1KeyIdentity.generate(new Uint8Array(32).fill(7))],
  ] as const)('%s as the client library signs', async (scheme, identity) => {
    const der = new Uint8Array(identity.getPublicKey().toDer());
    const signature = new Uint8Array(await identity.sign(message));
    expect(verifyUserSignature(der, message, signature)).toEqual({ ok: true, value: scheme });
    expect(verifyUserSignature(der, other, signature)).toMatchObject({
      error: { code: 'BAD_SIGNATURE' },
    });
    expect(verifyUserSignature(der, message, signature.slice(1))).toMatchObject({
      error: { code: 'BAD_SIGNATURE' },
    });
    expect(verifyUserSignature(der, message, new Uint8Array(64))).toMatchObject({
      error: { code: 'BAD_SIGNATURE' },
    });
  });

  it('P-256 as WebCrypto signs', async () => {
    const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ]);
    const der = new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey));
    const raw = await webcrypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      pair.privateKey,
      message,
    );
    const signature = new Uint8Array(raw);
    expect(verifyUserSignature(der, message, signature)).toEqual({ ok: true, value: 'ecdsa-p256' });
    expect(verifyUserSignature(der, other, signature)).toMatchObject({
      error: { code: 'BAD_SIGNATURE' },
    });
  });

  it('accepts high and low s', () => {
    const secret = new Uint8Array(32).fill(9);
    const der = wrapP256(p256.getPublicKey(secret, false));
    const signature = p256.sign(message, secret, { lowS: true });
    const { r, s } = p256.Signature.fromBytes(signature);
    const highS = new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes();
    expect(verifyUserSignature(der, message, signature).ok).toBe(true);
    expect(verifyUserSignature(der, message, highS).ok).toBe(true);
  });

  it('recognises keys it cannot check', () => {
    for (const der of [
      wrapCose(new Uint8Array(77)),
      wrapCanisterSignatureKey(new Uint8Array(10), message),
      wrapBls(new Uint8Array(96)),
    ]) {
      expect(verifyUserSignature(der, message, new Uint8Array(64))).toMatchObject({
        error: { code: 'UNSUPPORTED_KEY' },
      });
    }
  });
});

describe('DER keys', () => {
  it.each([0, 1, 77, 100, 106, 107, 120, 300, 600])(
    'open forms of %i bytes round trip',
    (length) => {
      const raw = new Uint8Array(length).fill(3);
      expect(parsePublicKeyDer(wrapCose(raw))).toEqual({
        ok: true,
        value: { scheme: 'cose', raw },
      });
      const id = new Uint8Array(10).fill(1);
      const parsed = parsePublicKeyDer(wrapCanisterSignatureKey(id, raw));
      expect(parsed.ok && parsed.value.scheme).toBe('canister-signature');
      expect(parsed.ok && splitCanisterSignatureKey(parsed.value.raw)).toEqual({
        canisterId: id,
        seed: raw,
      });
    },
  );

  it('refuses wrong lengths, lax DER and garbage', () => {
    const cose = wrapCose(new Uint8Array(20));
    const lax = concatBytes(Uint8Array.of(0x30, 0x81, cose[1] as number), cose.slice(2));
    const bad = [
      new Uint8Array(0),
      new Uint8Array(1),
      new Uint8Array(2000),
      lax,
      cose.slice(0, -1),
      concatBytes(cose, Uint8Array.of(0)),
      hexToBytes('302a300506032b6570032100') as Uint8Array,
      wrapBls(new Uint8Array(96)).slice(0, -1),
    ];
    for (const [i, der] of bad.entries()) {
      expect(parsePublicKeyDer(der), String(i)).toMatchObject({
        ok: false,
        error: { code: 'MALFORMED_KEY' },
      });
    }
    expect(splitCanisterSignatureKey(Uint8Array.of(5, 1))).toBeUndefined();
  });
});
