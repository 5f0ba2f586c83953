import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { createPrng } from '../../base/prng.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { type CborInput, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import {
  decodeCertificate,
  encodeCertificate,
  stateRootSigningBytes,
} from '../crypto/certificate.ts';
import { wrapBls } from '../crypto/der.ts';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { digest, labeledMap, leaf, withEntry, witness } from '../crypto/labeled-tree.ts';
import { principalToBytes } from '../crypto/principal.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import {
  REGISTRY_MAX_BACKOFF_MS,
  REGISTRY_MIN_BACKOFF_MS,
  REGISTRY_POLL_MS,
} from '../limits/registry.ts';
import { bootstrapRegistry, REGISTRY_PATHS, registryTree } from '../registry/bootstrap-registry.ts';
import type { BootstrapRegistry } from '../registry/bootstrap-registry.ts';
import { certifiedDataPath, encodeCertifiedDeltas } from '../registry/certified-deltas.ts';
import { dealSubnet } from '../registry/genesis.ts';
import { createLocalRegistry } from '../registry/local-registry.ts';
import { encodeDelta, type RegistryMutation } from '../registry/records/changelog.ts';
import { addSubnetBatch, genesisBatch, mutation } from '../registry/records/genesis-batch.ts';
import { subnetRecordKey } from '../registry/records/keys.ts';
import { SUBNET_RECORD } from '../registry/records/records.ts';
import { readRecord } from '../registry/records/snapshot-views.ts';
import { registryCanisterId } from '../registry/bootstrap-registry.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { CanisterId, NodeId, PrincipalId } from '../types/ids.ts';
import { changesSince, REGISTRY_PATH, RegistrySync } from './registry-sync.ts';
import { subnetParametersFor } from './subnet-parameters.ts';

const { bls } = INSECURE_TEST_SUITE;
const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 19 };

function deal(index: number): SubnetGenesis {
  const parameters = subnetParametersFor(index === 0 ? 'system' : 'application', timing);
  const spec = { seed: 'sync', index, nodes: 4, parameters, genesisTimeNs: 7n };
  return dealSubnet(spec, INSECURE_TEST_SUITE).genesis;
}

const [ROOT, SECOND, LATE] = [deal(0), deal(1), deal(2)];
const OPERATOR = 'aa02' as PrincipalId;
const FIRST = encodeDelta({ version: 1, mutations: genesisBatch([ROOT, SECOND], OPERATOR) });
const ADDED = encodeDelta({
  version: 2,
  mutations: addSubnetBatch([ROOT.subnetId, SECOND.subnetId], LATE),
});
const SECRET = new Uint8Array(32).fill(3);
const STRANGER = new Uint8Array(32).fill(4);
const ROOT_KEY = wrapBls(bls.publicKey(SECRET));
const ID = registryCanisterId(createLocalRegistry([FIRST]).newestTopology()) as CanisterId;

function registryOf(...deltas: readonly Uint8Array[]): BootstrapRegistry {
  const registry = bootstrapRegistry(deltas);
  if (!registry.ok) {
    throw new TypeError(registry.error.message);
  }
  return registry.value;
}

/** A second version that was never checked. */
function forced(delta: Uint8Array): BootstrapRegistry {
  const lie = registryOf(FIRST, encodeDelta({ version: 2, mutations: [] }));
  const label = present(REGISTRY_PATHS.delta(2)[1], 'a delta stands under its version');
  const byVersion = withEntry(lie.byVersion, label, leaf(delta));
  return { ...lie, deltas: [FIRST, delta], byVersion };
}

function longerBy(body: Uint8Array, item: CborInput): Uint8Array {
  const decoded = decodeCbor(body);
  return encodeCbor([...((decoded.ok ? decoded.value : []) as CborInput[]), item]);
}

/** The word of a subnet whose key the root has certified. */
function delegatedOf(registry: BootstrapRegistry): Uint8Array {
  const name = encodeUtf8('public_key');
  const path = [encodeUtf8('subnet'), principalToBytes(SECOND.subnetId), name] as const;
  const key = leaf(wrapBls(bls.publicKey(STRANGER)));
  const state = labeledMap([[path[0], labeledMap([[path[1], labeledMap([[name, key]])]])]]);
  const signature = bls.sign(SECRET, stateRootSigningBytes(digest(state)));
  const certificate = encodeCertificate({ tree: witness(state, [path]), signature });
  const own = decodeCertificate(certificateOf(registry, STRANGER));
  if (!own.ok) {
    throw new TypeError(own.error.message);
  }
  return encodeCertificate({
    ...own.value,
    delegation: { subnetId: SECOND.subnetId, certificate },
  });
}

/** The root subnet's word on a registry's certified data. */
function certificateOf(registry: BootstrapRegistry, secret: Uint8Array = SECRET): Uint8Array {
  const path = certifiedDataPath(ID);
  const [canister, id, data] = path as [Uint8Array, Uint8Array, Uint8Array];
  const value = leaf(digest(registryTree(registry)));
  const state = labeledMap([[canister, labeledMap([[id, labeledMap([[data, value]])]])]]);
  const signature = bls.sign(secret, stateRootSigningBytes(digest(state)));
  return encodeCertificate({ tree: witness(state, [path]), signature });
}

function answer(registry: BootstrapRegistry, since: number, certificate?: Uint8Array) {
  const body = encodeCertifiedDeltas(registry, since, certificate ?? certificateOf(registry));
  return { status: 200, contentType: 'application/cbor', body };
}

function reader() {
  const local = createLocalRegistry([FIRST]);
  const trace: TraceEvent[] = [];
  const stored: Uint8Array[] = [];
  let operations = 0;
  const sync = new RegistrySync({
    local,
    nodeId: SECOND.nodes[0]?.nodeId as NodeId,
    rootKeyDer: ROOT_KEY,
    bls,
    nextOperation: () => (operations += 1),
    prng: createPrng('sync'),
    onTrace: (event) => trace.push(event),
    onVersion: (encoded) => stored.push(encoded),
  });
  return { local, trace, stored, sync };
}

const BOTH = registryOf(FIRST, ADDED);

describe('a node’s copy of the registry', () => {
  it('asks root nodes for what came after its version', () => {
    const { sync, local, stored } = reader();
    const [asked] = sync.takeEffects(0n);
    expect(asked).toMatchObject({ kind: 'fetch', subnetId: ROOT.subnetId });
    if (asked?.kind !== 'fetch') {
      return;
    }
    expect(ROOT.nodes.map(({ nodeId }) => nodeId)).toContain(asked.to);
    expect(changesSince(asked.request)).toBe(1);
    expect(sync.takeEffects(0n)).toEqual([]);
    expect(sync.fetched(asked.operationId, answer(BOTH, 1), 0n)).toBe(true);
    expect(local.version()).toBe(2);
    expect(stored).toEqual([ADDED]);
    expect(local.newestTopology().subnets).toHaveLength(3);
    expect(local.topologyAt(1)?.subnets).toHaveLength(2);
    expect(local.genesisOf(LATE.subnetId)).toEqual(LATE);
    // And asks again later, not at once.
    expect(sync.takeEffects(0n)).toEqual([]);
    expect(sync.takeEffects(sync.nextWakeNs() ?? 0n)).toHaveLength(1);
  });

  it('takes many versions in several answers', () => {
    const deltas = [FIRST];
    let registry = registryOf(...deltas);
    for (let version = 2; version <= 40; version += 1) {
      const key = subnetRecordKey(SECOND.subnetId);
      const record = readRecord(registry.snapshot, key, SUBNET_RECORD);
      if (record.ok) {
        const changed = { ...record.value, isHalted: version % 2 === 0 };
        const mutations = [mutation('update', key, SUBNET_RECORD, changed)];
        const filler = { kind: 'upsert', key: 'filler', value: new Uint8Array(60_000) } as const;
        deltas.push(encodeDelta({ version, mutations: [...mutations, filler] }));
        registry = registryOf(...deltas);
      }
    }
    const { sync, local } = reader();
    let answers = 0;
    const nowNs = 0n;
    for (; local.version() < 40 && answers < 40; answers += 1) {
      const [asked] = sync.takeEffects(nowNs);
      if (asked?.kind === 'fetch') {
        const since = changesSince(asked.request) ?? 0;
        sync.fetched(asked.operationId, answer(registry, since), nowNs);
      }
      // More is there: no pause in between.
      expect(sync.nextWakeNs() === nowNs).toBe(local.version() < 40);
    }
    expect(local.version()).toBe(40);
    expect(answers).toBeGreaterThan(1);
  });

  const old = registryOf(FIRST);
  const lie = registryOf(FIRST, encodeDelta({ version: 2, mutations: [] }));
  // Only a root subnet that is corrupt as a whole signs these.
  const key = subnetRecordKey(SECOND.subnetId);
  const forcedWith = (mutation: RegistryMutation): Uint8Array =>
    answer(forced(encodeDelta({ version: 2, mutations: [mutation] })), 1).body;
  const unreadable = forcedWith({ kind: 'update', key, value: Uint8Array.of(0x80) });
  const twice = forcedWith({ kind: 'insert', key, value: Uint8Array.of(0x80) });
  const cases: readonly (readonly [string, string, Uint8Array])[] = [
    ['REGISTRY_ANSWER_MALFORMED', 'noise', Uint8Array.of(1, 2, 3)],
    [
      'REGISTRY_CERTIFICATE_REFUSED',
      'another key’s word',
      answer(BOTH, 1, certificateOf(BOTH, STRANGER)).body,
    ],
    [
      'REGISTRY_DATA_NOT_CERTIFIED',
      'changes that nobody certified',
      answer(lie, 1, certificateOf(BOTH)).body,
    ],
    ['REGISTRY_RECORD_MALFORMED', 'a certified record that cannot be read', unreadable],
    ['REGISTRY_KEY_PRESENT', 'a certified change that does not follow', twice],
    [
      'REGISTRY_CERTIFICATE_REFUSED',
      'the word of another subnet, for which the root vouches',
      answer(BOTH, 1, delegatedOf(BOTH)).body,
    ],
    [
      'REGISTRY_ANSWER_MALFORMED',
      'a certified change under the number of another',
      answer(forced(encodeDelta({ version: 3, mutations: [] })), 1).body,
    ],
    [
      'REGISTRY_ANSWER_MALFORMED',
      'more than a tree and a certificate',
      longerBy(answer(BOTH, 1).body, 0),
    ],
    ['REGISTRY_DELTA_MISSING', 'an answer without the next version', answer(BOTH, 2).body],
  ];
  it.each(cases)('refuses with %s: %s', (code, _what, body) => {
    const { sync, local, trace } = reader();
    const [asked] = sync.takeEffects(0n);
    if (asked?.kind !== 'fetch') {
      throw new TypeError('nothing was asked');
    }
    sync.fetched(asked.operationId, { status: 200, contentType: 'application/cbor', body }, 0n);
    expect(trace).toEqual([
      expect.objectContaining({ kind: 'packetRejected', from: asked.to, code }),
    ]);
    expect(local.version()).toBe(1);
  });

  it('is not set back by an old answer, and tries again after a silence', () => {
    const { sync, local } = reader();
    const ask = (nowNs: bigint): number => {
      const [asked] = sync.takeEffects(nowNs);
      return asked?.kind === 'fetch' ? asked.operationId : -1;
    };
    sync.fetched(ask(0n), answer(BOTH, 1), 0n);
    const later = sync.nextWakeNs() ?? 0n;
    sync.fetched(ask(later), answer(old, 0), later);
    expect(local.version()).toBe(2);
    const then = sync.nextWakeNs() ?? 0n;
    sync.fetched(ask(then), null, then);
    expect(sync.nextWakeNs()).toBeGreaterThan(then);
    expect(sync.fetched(999, null, then)).toBe(false);
  });

  it('waits longer and longer after failures, and blames nobody who has nothing new', () => {
    const { sync, trace, local } = reader();
    let nowNs = 0n;
    const waitMsAfter = (status: number | null, body: Uint8Array = new Uint8Array(0)): number => {
      const [asked] = sync.takeEffects(nowNs);
      const reply = status === null ? null : { status, contentType: 'text/plain', body };
      sync.fetched(asked?.kind === 'fetch' ? asked.operationId : -1, reply, nowNs);
      const beforeNs = nowNs;
      nowNs = sync.nextWakeNs() ?? 0n;
      return Number((nowNs - beforeNs) / 1_000_000n);
    };
    const failures = [503, null, 500, null, 503, null, 503, null].map((status) =>
      waitMsAfter(status, answer(BOTH, 1).body),
    );
    expect(failures[0]).toBeLessThanOrEqual(2 * REGISTRY_MIN_BACKOFF_MS);
    expect(failures.at(-1)).toBeGreaterThanOrEqual(REGISTRY_MAX_BACKOFF_MS / 2);
    expect(local.version()).toBe(1);
    expect(waitMsAfter(304)).toBeLessThan(1.5 * REGISTRY_POLL_MS);
    expect(waitMsAfter(null)).toBeLessThanOrEqual(2 * REGISTRY_MIN_BACKOFF_MS);
    expect(trace).toEqual([]);
  });

  it('knows its requests from others', () => {
    const of = (path: string) => changesSince({ method: 'GET', path, body: new Uint8Array(0) });
    expect(of(`${REGISTRY_PATH}?since=12`)).toBe(12);
    expect(of(`${REGISTRY_PATH}?since=-1`)).toBeUndefined();
    expect(of(`${REGISTRY_PATH}?since=9999999999999999`)).toBeUndefined();
    expect(of('/api/v1/streams')).toBeUndefined();
    const posted = { method: 'POST', path: `${REGISTRY_PATH}?since=12`, body: new Uint8Array(0) };
    expect(changesSince(posted as never)).toBeUndefined();
  });
});
