import { ed25519 } from '@noble/curves/ed25519.js';
import { requestIdOf } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../../src/base/hex.ts';
import { decodeCbor, encodeCbor } from '../../../src/protocol/crypto/cbor.ts';
import { ed25519Backend, verifyEd25519 } from '../../../src/protocol/crypto/ed25519.ts';
import type { HashTree } from '../../../src/protocol/crypto/hash-tree.ts';
import {
  decodeHashTree,
  EMPTY_DIGEST,
  encodeHashTree,
  lookupPath,
  lookupSubtree,
  treeRoot,
} from '../../../src/protocol/crypto/hash-tree.ts';
import {
  canisterIdFromU64,
  canisterIdToU64,
  principalFromBytes,
  principalFromText,
  principalToBytes,
  principalToText,
  selfAuthenticatingId,
} from '../../../src/protocol/crypto/principal.ts';
import { hashOfMap, requestIdOfContent } from '../../../src/protocol/crypto/representation-hash.ts';
import type { PrincipalId } from '../../../src/protocol/types/ids.ts';

const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('request ids', () => {
  const content = {
    request_type: 'call',
    sender: hex('04'),
    ingress_expiry: 1_685_570_400_000_000_000n,
    canister_id: hex('00000000000004d2'),
    method_name: 'hello',
    arg: hex('4449444c00fd2a'),
  };
  const golden = '1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101';

  it('the example of the interface specification, "Request ids"', () => {
    expect(bytesToHex(hashOfMap(content))).toBe(golden);
  });

  it('is the same for content that came as CBOR', () => {
    const decoded = decodeCbor(encodeCbor(content, { selfDescribed: true }));
    const id = decoded.ok ? requestIdOfContent(decoded.value) : decoded;
    expect(id.ok && bytesToHex(id.value)).toBe(golden);
  });

  test.prop([
    fc.dictionary(
      fc.string({ minLength: 1, maxLength: 12 }).filter((key) => key !== '__proto__'),
      fc.oneof(
        fc.string(),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 4 }),
        fc.array(fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 3 }), { maxLength: 3 }),
      ),
      { minKeys: 1, maxKeys: 8 },
    ),
  ])('agrees with the request ids of @icp-sdk/core', (map) => {
    const ours = bytesToHex(hashOfMap(map));
    expect(ours).toBe(bytesToHex(requestIdOf(map)));
    const decoded = decodeCbor(encodeCbor(map));
    const id = decoded.ok ? requestIdOfContent(decoded.value) : decoded;
    expect(id.ok && bytesToHex(id.value)).toBe(ours);
  });
});

describe('principals', () => {
  it.each([
    ['', 'aaaaa-aa'],
    ['04', '2vxsx-fae'],
    ['abcd01', 'em77e-bvlzu-aq'],
  ])('%s is %s', (raw, text) => {
    expect(principalToText(raw as PrincipalId)).toBe(text);
    expect(principalFromText(text)).toEqual({ ok: true, value: raw });
  });

  // Mainnet: registry, governance, ledger, root, cycles minting, lifeline, genesis token, identity, nns-dapp …
  it.each([
    [0n, 'rwlgt-iiaaa-aaaaa-aaaaa-cai'],
    [1n, 'rrkah-fqaaa-aaaaa-aaaaq-cai'],
    [2n, 'ryjl3-tyaaa-aaaaa-aaaba-cai'],
    [3n, 'r7inp-6aaaa-aaaaa-aaabq-cai'],
    [4n, 'rkp4c-7iaaa-aaaaa-aaaca-cai'],
    [5n, 'rno2w-sqaaa-aaaaa-aaacq-cai'],
    [6n, 'renrk-eyaaa-aaaaa-aaada-cai'],
    [7n, 'rdmx6-jaaaa-aaaaa-aaadq-cai'],
    [8n, 'qoctq-giaaa-aaaaa-aaaea-cai'],
    [9n, 'qjdve-lqaaa-aaaaa-aaaeq-cai'],
    [10n, 'qaa6y-5yaaa-aaaaa-aaafa-cai'],
  ])('canister %i is %s', (n, text) => {
    expect(principalToText(canisterIdFromU64(n))).toBe(text);
    const parsed = principalFromText(text);
    expect(parsed.ok && canisterIdToU64(parsed.value)).toBe(n);
  });

  test.prop([fc.uint8Array({ maxLength: 29 })])('agree with @icp-sdk/core both ways', (bytes) => {
    const text = Principal.fromUint8Array(bytes).toText();
    const id = principalFromBytes(bytes) as PrincipalId;
    expect(principalToText(id)).toBe(text);
    expect(principalFromText(text)).toEqual({ ok: true, value: id });
    expect(principalToBytes(id)).toEqual(bytes);
  });

  test.prop([fc.uint8Array({ maxLength: 100 })])(
    'self-authenticating ids agree with @icp-sdk/core',
    (der) => {
      expect(principalToText(selfAuthenticatingId(der))).toBe(
        Principal.selfAuthenticating(der).toText(),
      );
    },
  );

  it.each([
    'em77e-bvlzu-aQ',
    'em77ebvlzu-aq',
    'em77e-bvlzu-ar',
    'em77e-bvlzv-aq',
    'aaaaa',
    '',
    '1',
    `${'a'.repeat(70)}`,
  ])('refuses the text "%s"', (text) => {
    expect(principalFromText(text)).toMatchObject({
      ok: false,
      error: { code: 'INVALID_PRINCIPAL' },
    });
  });
});

describe('the hash tree example of the interface specification', () => {
  const tree: HashTree = [
    1,
    [
      1,
      [
        2,
        utf8('a'),
        [1, [1, [2, utf8('x'), [3, utf8('hello')]], [0]], [2, utf8('y'), [3, utf8('world')]]],
      ],
      [2, utf8('b'), [3, utf8('good')]],
    ],
    [1, [2, utf8('c'), [0]], [2, utf8('d'), [3, utf8('morning')]]],
  ];
  const root = 'eb5c5b2195e62d996b84c9bcc8259d19a83786a2f59e0878cec84c811f669aa0';
  const encoded =
    '8301830183024161830183018302417882034568656c6c6f810083024179820345776f726c6483024162820344676f6f64' +
    '8301830241638100830241648203476d6f726e696e67';
  const pruned =
    '83018301830241618301820458201b4feff9bef8131788b0c9dc6dbad6e81e524249c879e9f10f71ce3749f5a638' +
    '83024179820345776f726c6483024162820458207b32ac0c6ba8ce35ac82c255fc7906f7fc130dab2a090f80fe12f9c2cae83ba6' +
    '830182045820ec8324b8a1f1ac16bd2e806edba78006479c9877fed4eb464a25485465af601d830241648203476d6f726e696e67';

  it('has its root hash and encoding', () => {
    expect(bytesToHex(treeRoot(tree))).toBe(root);
    expect(bytesToHex(encodeHashTree(tree))).toBe(encoded);
    expect(bytesToHex(EMPTY_DIGEST).slice(0, 8)).toBe('4e3ed35c');
    expect(bytesToHex(EMPTY_DIGEST).slice(-4)).toBe('d120');
  });

  it('keeps its root hash when pruned, and answers look-ups', () => {
    const decoded = decodeHashTree(hex(pruned));
    expect(decoded.ok).toBe(true);
    if (!decoded.ok) {
      return;
    }
    expect(bytesToHex(treeRoot(decoded.value))).toBe(root);
    expect(lookupPath(decoded.value, [utf8('a'), utf8('y')])).toEqual(utf8('world'));
    expect(lookupPath(decoded.value, [utf8('d')])).toEqual(utf8('morning'));
    const kinds = ['aa', 'ax', 'b', 'bb', 'd', 'e'].map((label) => {
      const path = label === 'ax' ? [utf8('a'), utf8('a')] : [utf8(label)];
      return lookupSubtree(decoded.value, path).kind;
    });
    expect(kinds).toEqual(['absent', 'unknown', 'unknown', 'unknown', 'found', 'absent']);
  });
});

describe('Ed25519 (RFC 8032, section 7.1)', () => {
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ])('key %s', (secret, publicKey, message, signature) => {
    expect(bytesToHex(ed25519Backend.publicKey(hex(secret)))).toBe(publicKey);
    expect(bytesToHex(ed25519Backend.sign(hex(secret), hex(message)))).toBe(signature);
    expect(verifyEd25519(hex(publicKey), hex(message), hex(signature))).toBe(true);
    expect(verifyEd25519(hex(publicKey), hex(`${message}00`), hex(signature))).toBe(false);
    expect(ed25519.verify(hex(signature), hex(message), hex(publicKey))).toBe(true);
  });
});
