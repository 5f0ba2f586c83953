import { describe, expect, it } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { canonicalState, createTopologyReader } from '../canonical-state/canonical-state.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { bootstrapRegistry } from '../registry/bootstrap-registry.ts';
import { encodeDelta } from '../registry/records/changelog.ts';
import { genesisBatch, mutation } from '../registry/records/genesis-batch.ts';
import { subnetRecordKey } from '../registry/records/keys.ts';
import { SUBNET_RECORD } from '../registry/records/records.ts';
import { readRecord } from '../registry/records/snapshot-views.ts';
import { genesisState } from '../replicated-state/replicated-state.ts';
import type { CertifiedState } from '../state-manager/state-manager.ts';
import type { PrincipalId, RegistryVersion } from '../types/ids.ts';
import { testNetwork } from '../xnet/testing/certified-streams.ts';
import { createNodeRegistry } from './node-registry.ts';
import { REGISTRY_PATH } from './registry-sync.ts';

const { a: root, b: second, topology } = testNetwork(['system', 'application']);
const FIRST = encodeDelta({
  version: 1,
  mutations: genesisBatch([root.genesis, second.genesis], 'aa02' as PrincipalId),
});

function registryOf(...deltas: readonly Uint8Array[]) {
  const registry = bootstrapRegistry(deltas);
  if (!registry.ok) {
    throw new TypeError(registry.error.message);
  }
  return registry.value;
}

/** The second version: the root's record with another replica version. */
function secondVersion(replicaVersion: string): Uint8Array {
  const key = subnetRecordKey(root.id);
  const record = readRecord(registryOf(FIRST).snapshot, key, SUBNET_RECORD);
  if (!record.ok) {
    throw new TypeError(record.error.message);
  }
  const changed = { ...record.value, replicaVersion };
  return encodeDelta({ version: 2, mutations: [mutation('update', key, SUBNET_RECORD, changed)] });
}

const topologyOf = createTopologyReader(root.genesis, root.crypto.subnetPublicKeyDer);

function certified(...deltas: readonly Uint8Array[]): CertifiedState {
  const state = genesisState(root.genesis, registryOf(...deltas), topology);
  const canonical = canonicalState(topologyOf(state), state, undefined);
  return { ...root.certify(1, new Map()), canonical, state };
}

function rootNode(
  given: { readonly initial?: readonly Uint8Array[]; readonly stored?: readonly Uint8Array[] } = {},
) {
  const trace: TraceEvent[] = [];
  const stored: RegistryVersion[] = [];
  const registry = createNodeRegistry(
    {
      nodeId: root.crypto.nodeId,
      genesis: root.genesis,
      crypto: root.crypto,
      rootKeyDer: root.crypto.subnetPublicKeyDer,
      registryDeltas: given.initial ?? [FIRST],
    },
    {
      stored: given.stored ?? [],
      nextOperation: () => 1,
      chance: createPrng('root'),
      onTrace: (event) => trace.push(event),
      store: (version) => stored.push(version),
    },
  );
  return { registry, trace, stored };
}

describe('a version that the operator put into the store of a root node', () => {
  it('is acted on before it is certified, and is fine once the registry has it too', () => {
    const { registry, trace, stored } = rootNode();
    expect(registry.recover([secondVersion('one')], 5n)).toBe(true);
    expect(stored).toEqual([1, 2]);
    expect(registry.topologyAt(2)).toBeDefined();
    registry.onCertified(certified(FIRST, secondVersion('one')), 6n);
    expect(trace).toEqual([]);
  });

  it('is a critical error when the subnet certifies another one', () => {
    const { registry, trace, stored } = rootNode();
    registry.recover([secondVersion('one')], 5n);
    registry.onCertified(certified(FIRST, secondVersion('two')), 6n);
    expect(trace).toEqual([
      expect.objectContaining({ kind: 'criticalError', code: 'REGISTRY_FORKED' }),
    ]);
    expect(stored).toEqual([1, 2]);
  });

  it('is refused by name when it does not follow, or breaks what holds in every version', () => {
    const { registry, trace, stored } = rootNode();
    const [key, value] = [subnetRecordKey(root.id), new Uint8Array(0)];
    const broken = encodeDelta({ version: 2, mutations: [{ kind: 'delete', key, value }] });
    const gap = encodeDelta({ version: 3, mutations: [] });
    for (const delta of [gap, broken, Uint8Array.of(1)]) {
      expect(registry.recover([delta], 5n)).toBe(false);
    }
    expect(trace.map((event) => event.kind === 'criticalError' && event.code)).toEqual([
      'REGISTRY_VERSION_GAP',
      'REGISTRY_KEY_ABSENT',
      'REGISTRY_DELTA_MALFORMED',
    ]);
    expect(stored).toEqual([1]);
  });
});

describe('the registry of a root node', () => {
  it('goes on from what an earlier life stored, and writes none of it again', () => {
    const { registry, stored } = rootNode({ stored: [FIRST, secondVersion('one')] });
    expect(registry.topologyAt(2)).toBeDefined();
    expect(stored).toEqual([]);
    expect(rootNode({ initial: [FIRST, secondVersion('one')], stored: [FIRST] }).stored).toEqual([
      2,
    ]);
  });

  it('begins with the version that its subnet was written in, whatever came since', () => {
    const { registry } = rootNode({ initial: [FIRST, secondVersion('one')] });
    expect(registry.genesisState().registry?.snapshot.version).toBe(1);
  });

  it('takes what its subnet certified, and is not alarmed by what it does not know yet', () => {
    const { registry, trace, stored } = rootNode();
    expect(registry.onCertified(certified(FIRST, secondVersion('one')), 6n)).toBe(true);
    expect([trace, stored]).toEqual([[], [1, 2]]);
    expect(registry.reader.newest().replicaVersion).toBe('one');
  });

  it('serves versions after the one that is named, and says when there is none', () => {
    const { registry } = rootNode();
    const state = certified(FIRST, secondVersion('one'));
    const serve = (since: number) =>
      registry.serve(
        { method: 'GET', path: `${REGISTRY_PATH}?since=${since}`, body: new Uint8Array(0) },
        state,
      );
    expect([0, 1, 2, 3].map((since) => serve(since)?.status)).toEqual([200, 200, 304, 304]);
    const bytes = [0, 1].map((since) => serve(since)?.body.length ?? 0) as [number, number];
    expect(bytes[0] - bytes[1]).toBeGreaterThan(FIRST.length / 2);
  });
});
