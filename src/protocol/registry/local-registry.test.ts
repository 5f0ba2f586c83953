import { describe, expect, it } from 'vitest';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { subnetParametersFor } from '../node/subnet-parameters.ts';
import type { PrincipalId } from '../types/ids.ts';
import { bootstrapRegistry, mayChangeRegistry } from './bootstrap-registry.ts';
import { dealSubnet } from './genesis.ts';
import { createLocalRegistry } from './local-registry.ts';
import { encodeDelta, type RegistryMutation } from './records/changelog.ts';
import { addSubnetBatch, genesisBatch, mutation } from './records/genesis-batch.ts';
import { canisterRangesKey, operatorKey, subnetRecordKey } from './records/keys.ts';
import { CANISTER_RANGES, OPERATOR_RECORD, SUBNET_RECORD } from './records/records.ts';
import { readRecord } from './records/snapshot-views.ts';
import { createNetworkRegistryClient } from './registry-client.ts';

const SECOND_NS = 1_000_000_000n;
const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 19 };
const [root, other, late] = [0, 1, 2].map((index) => {
  const parameters = subnetParametersFor(index === 0 ? 'system' : 'application', timing);
  const spec = { seed: 'local', index, nodes: 1, parameters, genesisTimeNs: 7n };
  const registryVersion = index === 2 ? 2 : 1;
  return dealSubnet({ ...spec, registryVersion }, INSECURE_TEST_SUITE).genesis;
}) as [Genesis, Genesis, Genesis];
type Genesis = ReturnType<typeof dealSubnet>['genesis'];

const OPERATOR = 'aa02' as PrincipalId;
const FIRST = encodeDelta({ version: 1, mutations: genesisBatch([root, other], OPERATOR) });
const ADDED = encodeDelta({
  version: 2,
  mutations: addSubnetBatch([root.subnetId, other.subnetId].toSorted(), late),
});

function halted(version: number): Uint8Array {
  const key = subnetRecordKey(other.subnetId);
  const record = readRecord(createLocalRegistry([FIRST]).snapshot(), key, SUBNET_RECORD);
  const value = record.ok && { ...record.value, isHalted: true };
  return encodeDelta({
    version,
    mutations: value ? [mutation('update', key, SUBNET_RECORD, value)] : [],
  });
}

const filler: RegistryMutation = { kind: 'upsert', key: 'filler', value: Uint8Array.of(1) };
const nothing = (version: number): Uint8Array => encodeDelta({ version, mutations: [filler] });

describe('a copy of the registry', () => {
  it('has each subnet’s record in every version, as that one has it', () => {
    const local = createLocalRegistry([FIRST, nothing(2), halted(3), nothing(4)]);
    const records = [1, 2, 3, 4].map((version) => local.recordAt(other.subnetId, version));
    expect(records.map((record) => record?.version)).toEqual([1, 2, 3, 4]);
    expect(records.map((record) => record?.isHalted)).toEqual([false, false, true, true]);
    expect(local.recordAt(other.subnetId, 5)).toBeUndefined();
    expect(local.recordAt(late.subnetId, 4)).toBeUndefined();
  });

  it('routes by the version that is asked for, though only the ranges changed', () => {
    const [first, last] = other.canisterRanges[0] as readonly [bigint, bigint];
    const moved = { first, last, subnetId: root.subnetId };
    const key = canisterRangesKey(first);
    const mutations = [mutation('update', key, CANISTER_RANGES, [moved])];
    const local = createLocalRegistry([FIRST, encodeDelta({ version: 2, mutations })]);
    expect(local.topologyAt(1)?.routingTable).not.toContainEqual(moved);
    expect(local.topologyAt(2)?.routingTable).toContainEqual(moved);
  });

  it('ends before the first delta that does not follow', () => {
    const local = createLocalRegistry([FIRST, Uint8Array.of(1), ADDED]);
    expect([local.version(), local.deltas()]).toEqual([1, [FIRST]]);
  });

  it('is not changed by a delta that cannot be read to the end', () => {
    const local = createLocalRegistry([FIRST]);
    const key = subnetRecordKey(other.subnetId);
    const mutations: RegistryMutation[] = [{ kind: 'update', key, value: Uint8Array.of(0x80) }];
    expect(local.apply(encodeDelta({ version: 2, mutations })).ok).toBe(false);
    expect([local.version(), local.topologyAt(2)]).toEqual([1, undefined]);
    expect(local.apply(ADDED).ok).toBe(true);
    expect(local.newestTopology().subnets).toHaveLength(3);
  });
});

describe('the reader of a subnet', () => {
  it('calls a version stable once it was known for a while, what it began with at once', () => {
    const local = createLocalRegistry([FIRST, nothing(2)]);
    const client = createNetworkRegistryClient(other, local);
    expect(client.stableVersion(0n, 1000)).toBe(2);
    local.apply(halted(3));
    expect(client.newest().version).toBe(2);
    expect(client.note(10n * SECOND_NS)).toBe(true);
    expect(client.note(12n * SECOND_NS)).toBe(false);
    expect(client.newest()).toMatchObject({ version: 3, isHalted: true });
    expect(client.stableVersion(11n * SECOND_NS - 1n, 1000)).toBe(2);
    expect(client.stableVersion(11n * SECOND_NS, 1000)).toBe(3);
  });

  it('has no version from before the subnet was added', () => {
    const client = createNetworkRegistryClient(late, createLocalRegistry([FIRST, ADDED]));
    expect(client.recordAt(1)).toBeUndefined();
    expect(client.recordAt(2)).toMatchObject({ version: 2 });
  });
});

describe('the bootstrap registry', () => {
  it('makes no version that breaks what holds in every one', () => {
    const key = canisterRangesKey(5n);
    const overlap = [{ first: 5n, last: 9n, subnetId: other.subnetId }];
    const mutations = [mutation('insert', key, CANISTER_RANGES, overlap)];
    expect(bootstrapRegistry([FIRST, encodeDelta({ version: 2, mutations })])).toMatchObject({
      error: { code: 'REGISTRY_INVARIANT_BROKEN' },
    });
  });

  it('is changed by whose record says so, by nobody else', () => {
    const key = operatorKey(OPERATOR);
    const retired = mutation('update', key, OPERATOR_RECORD, { mayChangeRegistry: false });
    const made = (...deltas: readonly Uint8Array[]) => {
      const registry = bootstrapRegistry(deltas);
      return registry.ok && mayChangeRegistry(registry.value, OPERATOR);
    };
    expect(made(FIRST)).toBe(true);
    expect(made(FIRST, encodeDelta({ version: 2, mutations: [retired] }))).toBe(false);
  });
});
