import { CanisterStatus, Certificate, LookupPathStatus } from '@icp-sdk/core/agent';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import type { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { asBytes, asMap, decodeCbor, encodeCbor } from '../../src/protocol/crypto/cbor.ts';
import { decodeCanisterRanges, decodeCertificate } from '../../src/protocol/crypto/certificate.ts';
import { lookupPath, lookupSubtree } from '../../src/protocol/crypto/hash-tree.ts';
import { sha256 } from '../../src/protocol/crypto/sha256.ts';
import { managementCanister } from '../support/management.ts';
import { TestReplica } from '../support/test-replica.ts';
import { compileWat } from '../support/wat.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function withSection(wasm: Uint8Array, name: string, content: string): Uint8Array {
  const body = Uint8Array.of(name.length, ...text(name), ...text(content));
  return Uint8Array.of(...wasm, 0, body.length, ...body);
}

describe('read_state', () => {
  const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(6));
  const replica = new TestReplica();
  const subnetId = replica.principalOf(replica.dealt.genesis.subnetId);
  let canisterId: Principal;
  let wasm: Uint8Array;
  let lastCertificate: Uint8Array = new Uint8Array(0);

  beforeAll(async () => {
    const plain = await compileWat('(module)');
    wasm = withSection(plain, 'icp:public candid:service', 'service : {}');
    wasm = withSection(wasm, 'icp:private secret', 'hush');
    const management = managementCanister(await replica.agent(identity), replica.firstCanisterId());
    const created = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    canisterId = created.canister_id;
    await management.install_code({
      mode: { install: null },
      canister_id: canisterId,
      wasm_module: wasm,
      arg: new Uint8Array(0),
    });
  }, 60_000);

  /** Sends an anonymous request by hand: status and text, or the verified certificate. */
  const read = async (
    route: string,
    paths: readonly (readonly Uint8Array[])[],
  ): Promise<Certificate | string> => {
    const content = {
      request_type: 'read_state',
      sender: Uint8Array.of(4),
      ingress_expiry: replica.nowNs + 60_000_000_000n,
      paths,
    };
    const response = await replica.fetch(`http://replica.test/api/${route}/read_state`, {
      method: 'POST',
      body: Uint8Array.from(encodeCbor({ content }, { selfDescribed: true })),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    if (response.status !== 200) {
      return `${response.status} ${new TextDecoder().decode(body)}`;
    }
    const decoded = decodeCbor(body);
    const certificate = asBytes(asMap(decoded.ok ? decoded.value : null)?.get('certificate'));
    lastCertificate = Uint8Array.from(certificate ?? []);
    return await Certificate.create({
      certificate: lastCertificate,
      rootKey: replica.rootKey,
      principal: { canisterId },
    });
  };
  const onCanister = (version: 'v2' | 'v3' = 'v3'): string =>
    `${version}/canister/${canisterId.toText()}`;
  const onSubnet = (version: 'v2' | 'v3' = 'v3'): string =>
    `${version}/subnet/${subnetId.toText()}`;
  const valueAt = (
    certificate: Certificate | string,
    path: readonly Uint8Array[],
  ): Uint8Array | string => {
    if (typeof certificate === 'string') {
      return certificate;
    }
    const found = certificate.lookup_path([...path]);
    return found.status === LookupPathStatus.Found ? Uint8Array.from(found.value) : found.status;
  };

  it('answers what the agent asks about a canister', async () => {
    const agent = await replica.agent(identity);
    const paths = ['controllers', 'module_hash', 'candid', 'time'] as const;
    const status = await CanisterStatus.request({ canisterId, agent, paths: [...paths] });
    expect(status.get('module_hash')).toBe(Buffer.from(sha256(wasm)).toString('hex'));
    expect(status.get('candid')).toBe('service : {}');
    expect((status.get('controllers') as Principal[]).map((id) => id.toText())).toEqual([
      identity.getPrincipal().toText(),
    ]);
  });

  it('shows private metadata to controllers only', async () => {
    const path = [text('canister'), canisterId.toUint8Array(), text('metadata'), text('secret')];
    const agent = await replica.agent(identity);
    const { certificate } = await agent.readState({ canisterId }, { paths: [path] });
    const verified = await Certificate.create({
      certificate,
      rootKey: replica.rootKey,
      principal: { canisterId },
    });
    expect(new TextDecoder().decode(valueAt(verified, path) as Uint8Array)).toBe('hush');
    expect(await read(onCanister(), [path])).toMatch(/^403 .*only be requested by the controllers/);
  });

  it('proves absence', async () => {
    for (const byte of [0, 1, 127, 128, 254, 255]) {
      const path = [text('request_status'), new Uint8Array(32).fill(byte)];
      await read(onCanister(), [path]);
      // The agent's own lookup misjudges the order of some labels; the specification's does not.
      const decoded = decodeCertificate(lastCertificate);
      expect(decoded.ok && lookupSubtree(decoded.value.tree, path).kind).toBe('absent');
    }
  });

  it('gives flat ranges on v2 and sharded ones on v3, both true', async () => {
    const subnet = subnetId.toUint8Array();
    const flat = [text('subnet'), subnet, text('canister_ranges')];
    const sharded = [text('canister_ranges'), subnet];
    const first = replica.firstCanisterId();
    for (const [route, path, leaf] of [
      [onSubnet('v2'), flat, flat],
      [onSubnet('v3'), sharded, [...sharded, first.toUint8Array()]],
    ] as const) {
      const value = valueAt(await read(route, [path]), leaf);
      const ranges = typeof value === 'string' ? value : decodeCanisterRanges(value);
      expect(ranges).toEqual([['00000000000000000101', '00000000000fffff0101']]);
    }
  });

  it('shows the subnet: key, type, node keys and, on its own route, metrics', async () => {
    const subnet = subnetId.toUint8Array();
    const at = (...labels: readonly (string | Uint8Array)[]): Uint8Array[] => [
      text('subnet'),
      subnet,
      ...labels.map((label) => (typeof label === 'string' ? text(label) : label)),
    ];
    const whole = await read(onCanister(), [[text('subnet')]]);
    expect(valueAt(whole, at('public_key'))).toEqual(Uint8Array.from(replica.rootKey));
    expect(valueAt(whole, at('type'))).toEqual(text('application'));
    const node = replica.principalOf(replica.crypto.nodeId).toUint8Array();
    expect(valueAt(whole, at('node', node, 'public_key'))).toHaveLength(44);
    expect(valueAt(whole, at('metrics'))).not.toBeInstanceOf(Uint8Array);
    const metrics = decodeCbor(
      valueAt(await read(onSubnet(), [at('metrics')]), at('metrics')) as Uint8Array,
    );
    const fields = asMap(metrics.ok ? metrics.value : null);
    expect(fields?.get('num_canisters')).toBe(1);
    expect(fields?.get('update_transactions_total')).toBe(2);
    expect(await read(onCanister(), [at('metrics')])).toMatch(/^404/);
  });

  it.each([
    ['internal state', [[text('metadata')]], /^404/],
    ['streams', [[text('streams')]], /^404/],
    ['certified data', [[text('canister'), 'ID', text('certified_data')]], /^404/],
    ['a whole canister', [[text('canister'), 'ID']], /^404/],
    ['another canister', [[text('canister'), Uint8Array.of(1, 1), text('module_hash')]], /^400/],
    [
      'two requests',
      [
        [text('request_status'), new Uint8Array(32)],
        [text('request_status'), new Uint8Array(32).fill(1)],
      ],
      /^400/,
    ],
    ['a path of 128 labels', [Array.from({ length: 128 }, () => text('time'))], /^400/],
    ['1001 paths', Array.from({ length: 1001 }, () => [text('time')]), /^400/],
  ] as const)('refuses %s', async (_name, paths, expected) => {
    const named = (paths as readonly (readonly (Uint8Array | 'ID')[])[]).map((path) =>
      path.map((label) => (label === 'ID' ? canisterId.toUint8Array() : label)),
    );
    expect(await read(onCanister(), named)).toMatch(expected);
  });

  it('reveals nothing that was not asked for', async () => {
    await read(onCanister(), [[text('time')]]);
    const decoded = decodeCertificate(lastCertificate);
    const path = [text('canister'), canisterId.toUint8Array(), text('controllers')];
    expect(decoded.ok && lookupSubtree(decoded.value.tree, path).kind).toBe('unknown');
    expect(decoded.ok && lookupPath(decoded.value.tree, [text('time')])).toBeInstanceOf(Uint8Array);
  });
});
