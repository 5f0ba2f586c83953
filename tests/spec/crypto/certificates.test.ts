import { Certificate as AgentCertificate } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import {
  MAINNET_ROOT_KEY,
  mainnetCertificate,
  type MainnetCertificate,
} from '../../support/mainnet-certificates.ts';
import { bytesToHex, hexToBytes } from '../../../src/base/hex.ts';
import { encodeUleb128 } from '../../../src/base/leb128.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import { createNobleBls } from '../../../src/protocol/crypto/bls-noble.ts';
import type { Certificate } from '../../../src/protocol/crypto/certificate.ts';
import {
  canisterRangesIn,
  decodeCertificate,
  encodeCanisterRanges,
  encodeCertificate,
  stateRootSigningBytes,
  verifyCertificate,
} from '../../../src/protocol/crypto/certificate.ts';
import { wrapBls } from '../../../src/protocol/crypto/der.ts';
import { lookupLabels } from '../../../src/protocol/crypto/hash-tree.ts';
import type { LabeledTree, MapTree } from '../../../src/protocol/crypto/labeled-tree.ts';
import { digest, labeledMap, leaf, witness } from '../../../src/protocol/crypto/labeled-tree.ts';
import {
  canisterIdFromU64,
  principalFromText,
  principalToBytes,
  principalToText,
  subnetIdOfKey,
} from '../../../src/protocol/crypto/principal.ts';
import { scalarToBytes } from '../../../src/protocol/crypto/scalars.ts';
import type { CanisterId, PrincipalId } from '../../../src/protocol/types/ids.ts';

const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;
const bls = createNobleBls();

describe('mainnet certificates', () => {
  const rootKeyDer = MAINNET_ROOT_KEY;
  const canister = (text: string): PrincipalId => {
    const id = principalFromText(text);
    return id.ok ? id.value : ('' as PrincipalId);
  };
  const decoded = (name: MainnetCertificate): Certificate => {
    const certificate = decodeCertificate(mainnetCertificate(name));
    if (!certificate.ok) {
      throw new TypeError(certificate.error.message);
    }
    return certificate.value;
  };

  it.each([
    ['mainnetSystem', 'ryjl3-tyaaa-aaaaa-aaaba-cai'],
    ['mainnetApplication', undefined],
    ['mainnetApplicationO3ow2', undefined],
    ['mainnetApplicationLegacy', 'erxue-5aaaa-aaaab-qaagq-cai'],
  ] as const)('%s is valid and a changed one is not', (name, canisterText) => {
    const certificate = decoded(name);
    const options = {
      rootKeyDer,
      bls,
      ...(canisterText === undefined ? {} : { canisterId: canister(canisterText) }),
    };
    const verified = verifyCertificate(certificate, options);
    expect(verified.ok ? 'valid' : verified.error.message).toBe('valid');
    expect(verified.ok && verified.value.timeNs !== undefined).toBe(true);
    const changed = { ...certificate, tree: [2, encodeUtf8('x'), certificate.tree] as const };
    expect(verifyCertificate(changed, options)).toMatchObject({
      ok: false,
      error: { code: 'BAD_SIGNATURE' },
    });
    const re = decodeCertificate(encodeCertificate(certificate));
    expect(re).toEqual({ ok: true, value: certificate });
  });

  it('refuses a canister outside the delegated ranges, and a delegation that shows none', () => {
    const canisterId = canisterIdFromU64(2n);
    const outside = verifyCertificate(decoded('mainnetApplicationLegacy'), {
      rootKeyDer,
      bls,
      canisterId,
    });
    expect(outside).toMatchObject({ ok: false, error: { code: 'CANISTER_OUT_OF_RANGE' } });
    const shown = verifyCertificate(decoded('mainnetApplication'), { rootKeyDer, bls, canisterId });
    expect(shown).toMatchObject({ ok: false, error: { code: 'BAD_DELEGATION' } });
  });

  it('refuses every one under the root key of another network', () => {
    const strangerKeyDer = wrapBls(bls.publicKey(scalarToBytes(5n)));
    for (const name of [
      'mainnetSystem',
      'mainnetApplication',
      'mainnetApplicationLegacy',
    ] as const) {
      expect(verifyCertificate(decoded(name), { rootKeyDer: strangerKeyDer, bls })).toMatchObject({
        ok: false,
        error: { code: 'BAD_SIGNATURE' },
      });
    }
  });

  it('shows thirteen-odd nodes under the delegated subnet', () => {
    const certificate = decoded('mainnetApplication');
    const subnet = principalToBytes(certificate.delegation?.subnetId as PrincipalId);
    const nodes = lookupLabels(certificate.tree, [
      encodeUtf8('subnet'),
      subnet,
      encodeUtf8('node'),
    ]);
    expect(nodes.length).toBeGreaterThanOrEqual(13);
  });
});

describe('our certificates in an unmodified client', () => {
  const timeNs = 1_750_000_000_000_000_000n;
  const rootSecret = scalarToBytes(123_456_789n);
  const subnetSecret = scalarToBytes(987_654_321n);
  const rootKeyDer = wrapBls(bls.publicKey(rootSecret));
  const subnetKeyDer = wrapBls(bls.publicKey(subnetSecret));
  const subnetId = subnetIdOfKey(subnetKeyDer);
  const canisterId = canisterIdFromU64(1_048_580n);
  const ranges = encodeCanisterRanges([
    [canisterIdFromU64(1_048_576n), canisterIdFromU64(2_097_151n)],
  ]);
  const key = encodeUtf8;
  const at = (...path: string[]): Uint8Array[] => path.map(key);
  const map = (fields: Readonly<Record<string, LabeledTree>>): MapTree =>
    labeledMap(Object.entries(fields).map(([name, tree]) => [key(name), tree] as const));
  const time = leaf(encodeUleb128(timeNs));
  const subnetBytes = principalToBytes(subnetId);
  const rootState = map({
    api_boundary_nodes: map({}),
    canister_ranges: labeledMap([
      [subnetBytes, labeledMap([[principalToBytes(canisterIdFromU64(1_048_576n)), leaf(ranges)]])],
    ]),
    subnet: labeledMap([
      [subnetBytes, map({ canister_ranges: leaf(ranges), public_key: leaf(subnetKeyDer) })],
    ]),
    time,
  });
  const state = map({
    request_status: map({ abc: map({ status: leaf(key('replied')), reply: leaf(key('hello')) }) }),
    time,
  });
  const certify = (tree: MapTree, paths: Uint8Array[][], secret: Uint8Array): Certificate => ({
    tree: witness(tree, paths),
    signature: bls.sign(secret, stateRootSigningBytes(digest(tree))),
  });
  const delegated = (form: 'flat' | 'sharded'): Certificate => {
    const rangePath =
      form === 'flat'
        ? [key('subnet'), subnetBytes, key('canister_ranges')]
        : [key('canister_ranges'), subnetBytes];
    const inner = certify(
      rootState,
      [at('time'), [key('subnet'), subnetBytes, key('public_key')], rangePath],
      rootSecret,
    );
    const outer = certify(state, [at('time'), at('request_status', 'abc')], subnetSecret);
    return { ...outer, delegation: { subnetId, certificate: encodeCertificate(inner) } };
  };
  const agentCheck = (certificate: Certificate, id: CanisterId): Promise<AgentCertificate> =>
    AgentCertificate.create({
      certificate: encodeCertificate(certificate),
      rootKey: rootKeyDer,
      principal: { canisterId: Principal.fromText(principalToText(id)) },
      disableTimeVerification: true,
    });

  it.each(['flat', 'sharded'] as const)(
    'a delegation with %s ranges passes both verifiers',
    async (form) => {
      const certificate = delegated(form);
      const agent = await agentCheck(certificate, canisterId);
      expect(agent.lookup_path([...at('request_status', 'abc', 'reply')])).toMatchObject({
        value: key('hello'),
      });
      expect(verifyCertificate(certificate, { rootKeyDer, bls, canisterId })).toMatchObject({
        ok: true,
        value: { timeNs, subnetId },
      });
      const inner = decodeCertificate(certificate.delegation?.certificate as Uint8Array);
      expect(inner.ok && canisterRangesIn(inner.value.tree, subnetId)).toHaveLength(1);
    },
  );

  it.each(['flat', 'sharded'] as const)(
    'both refuse a canister outside the %s ranges',
    async (form) => {
      const certificate = delegated(form);
      const stranger = canisterIdFromU64(7n);
      await expect(agentCheck(certificate, stranger)).rejects.toThrow();
      expect(
        verifyCertificate(certificate, { rootKeyDer, bls, canisterId: stranger }),
      ).toMatchObject({
        error: { code: 'CANISTER_OUT_OF_RANGE' },
      });
    },
  );

  it('both accept the root subnet without a delegation and refuse another signer', async () => {
    const byRoot = certify(state, [at('time')], rootSecret);
    await expect(agentCheck(byRoot, canisterId)).resolves.toBeDefined();
    expect(verifyCertificate(byRoot, { rootKeyDer, bls, canisterId }).ok).toBe(true);
    const byOther = certify(state, [at('time')], subnetSecret);
    await expect(agentCheck(byOther, canisterId)).rejects.toThrow();
    expect(verifyCertificate(byOther, { rootKeyDer, bls }).ok).toBe(false);
  });

  it('refuses two levels of delegation, a missing key, garbage', () => {
    const once = delegated('flat');
    const twice: Certificate = {
      ...once,
      delegation: { subnetId, certificate: encodeCertificate(once) },
    };
    expect(verifyCertificate(twice, { rootKeyDer, bls })).toMatchObject({
      error: { code: 'BAD_DELEGATION' },
    });
    const keyless = certify(rootState, [at('time')], rootSecret);
    const without: Certificate = {
      ...once,
      delegation: { subnetId, certificate: encodeCertificate(keyless) },
    };
    expect(verifyCertificate(without, { rootKeyDer, bls })).toMatchObject({
      error: { code: 'BAD_DELEGATION' },
    });
    expect(decodeCertificate(hex('a0'))).toMatchObject({
      error: { code: 'MALFORMED_CERTIFICATE' },
    });
    expect(decodeCertificate(hex('81'.repeat(5000)))).toMatchObject({
      error: { code: 'MALFORMED_CERTIFICATE' },
    });
    expect(bytesToHex(encodeCertificate(once)).startsWith('d9d9f7')).toBe(true);
  });
});
