import { describe, expect, it } from 'vitest';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { subnetParametersFor } from '../node/subnet-parameters.ts';
import type { RegistryChange } from '../types/registry.ts';
import { dealSubnet } from './genesis.ts';
import { awakensRoot } from './registry-change.ts';
import { createRegistryClient } from './registry-client.ts';
import { createRegistryKeeper } from './registry-keeper.ts';

const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 9 };
const { genesis, secrets } = dealSubnet(
  {
    seed: 'registry',
    index: 0,
    nodes: 4,
    spareNodes: 2,
    parameters: subnetParametersFor('application', timing),
    genesisTimeNs: 0n,
  },
  INSECURE_TEST_SUITE,
);
const members = genesis.nodes.map((node) => node.nodeId);
const spare = genesis.spareNodes.map((node) => node.nodeId);

describe('registry', () => {
  it('deals spare nodes keys but no share', () => {
    expect(spare).toHaveLength(2);
    for (const { nodeId, lowShare, highShare } of secrets) {
      expect([lowShare === null, highShare === null]).toEqual([
        spare.includes(nodeId),
        spare.includes(nodeId),
      ]);
    }
  });

  it('makes a version of each change', () => {
    const keeper = createRegistryKeeper(genesis);
    expect(keeper.newest()).toMatchObject({ version: 1, members, isHalted: false });
    const next = [...members.slice(1), spare[0] as (typeof spare)[number]];
    expect(keeper.change({ kind: 'setMembership', members: next.toReversed() })).toMatchObject({
      ok: true,
      value: { version: 2, members: next.toSorted() },
    });
    keeper.change({ kind: 'setHalted', halted: true });
    keeper.change({ kind: 'setHaltAtCatchUpPackage', halt: true });
    expect(keeper.records().map(({ version }) => version)).toEqual([2, 3, 4]);
    expect(keeper.newest()).toMatchObject({ isHalted: true, haltAtCatchUpPackage: true });
  });

  it('refuses changes that make no sense', () => {
    const keeper = createRegistryKeeper(genesis);
    const wrong: readonly unknown[] = [
      { kind: 'setMembership', members: [] },
      { kind: 'setMembership', members: [members[0], members[0]] },
      { kind: 'setMembership', members: ['00'] },
      { kind: 'setMembership', members: [null] },
      { kind: 'setMembership', members: 'all' },
      { kind: 'setMembership' },
      { kind: 'setHalted', halted: 'yes' },
      { kind: 'setHaltAtCatchUpPackage' },
      { kind: 'abolish' },
      {},
      null,
      undefined,
      7,
    ];
    for (const change of wrong) {
      expect(keeper.change(change as RegistryChange)).toMatchObject({
        ok: false,
        error: { code: 'INVALID_REGISTRY_CHANGE' },
      });
    }
    expect(keeper.newest().version).toBe(1);
  });
});

it('knows which changes get a halted root subnet going again', () => {
  const changes: readonly RegistryChange[] = [
    { kind: 'setHalted', halted: false },
    { kind: 'setHalted', halted: true },
    { kind: 'setHaltAtCatchUpPackage', halt: false },
    { kind: 'setHaltAtCatchUpPackage', halt: true },
    { kind: 'setMembership', members },
  ];
  expect(changes.map(awakensRoot)).toEqual([true, false, true, false, false]);
});

describe('a node’s copy of the registry', () => {
  const versions = (): ReturnType<ReturnType<typeof createRegistryKeeper>['records']> => {
    const keeper = createRegistryKeeper(genesis);
    keeper.change({ kind: 'setHalted', halted: true });
    keeper.change({ kind: 'setHalted', halted: false });
    return keeper.records();
  };

  it('takes versions in order and no other', () => {
    const client = createRegistryClient(genesis);
    const [second, third] = versions();
    expect(client.apply([third as never], 5n)).toBe(false);
    expect(client.recordAt(3)).toBeUndefined();
    expect(client.apply([second as never, third as never], 5n)).toBe(true);
    expect(client.apply([second as never], 6n)).toBe(false);
    expect([client.recordAt(2), client.recordAt(3)]).toEqual([second, third]);
    expect(client.recordAt(0)).toBeUndefined();
  });

  it('CN99: calls a version stable once it has been known for a while', () => {
    const client = createRegistryClient(genesis);
    client.apply(versions().slice(0, 1), 10_000_000_000n);
    expect(client.stableVersion(10_999_999_999n, 1000)).toBe(1);
    expect(client.stableVersion(11_000_000_000n, 1000)).toBe(2);
    expect(createRegistryClient(genesis, versions()).stableVersion(1_000_000_000n, 1000)).toBe(3);
  });
});
