import { Actor, Certificate } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { type JourneyModule, walkJourney } from '../../support/motoko-journey.ts';
import { managementCanister } from '../../support/management.ts';
import { journeyModules, MotokoSubnet } from '../../support/motoko-subnet.ts';
import { TestReplica } from '../../support/test-replica.ts';

describe.each(['enhanced', 'classic'] as const)('Motoko actors, %s persistence', (persistence) => {
  let modules: Readonly<Record<JourneyModule, Uint8Array>>;
  beforeAll(async () => {
    modules = await journeyModules(persistence);
  }, 240_000);

  it('keep their state, await, trap, pay and refuse as they do on the IC, on each node alike', async () => {
    const [host, other] = [new MotokoSubnet(persistence), new MotokoSubnet(persistence)];
    const lines = await walkJourney(host, modules);
    expect(lines.filter(({ holds }) => !holds)).toEqual([]);
    expect(lines).toHaveLength(30);
    expect(host.subnet.imbalance).toBe(0n);
    await walkJourney(other, modules);
    expect(host.executed().length).toBeGreaterThan(40);
    expect(other.executed()).toEqual(host.executed());
  });

  it('set timers that fire once, repeat, await and end themselves', async () => {
    const host = new MotokoSubnet(persistence);
    const peer = await host.deploy(modules.worker, 'aaaaa-aa');
    const worker = await host.deploy(modules.worker, peer);
    expect(await host.text(worker, 'wind')).toBe('wound');
    for (let second = 0; second < 12; second += 1) {
      host.subnet.round();
    }
    expect(await host.text(worker, 'ticked')).toBe('4');
    expect(await host.text(peer, 'facts')).toContain('leaves = 3');
  });
});

describe('what an upgrade says of main memory', () => {
  it('must be `keep` or `replace` for a module that says its memory persists, and never `keep` for others', async () => {
    const [kept, classic] = [await journeyModules('enhanced'), await journeyModules('classic')];
    const host = new MotokoSubnet('enhanced');
    const [one, other] = [
      await host.deploy(kept.keeper, null),
      await host.deploy(classic.keeper, null),
    ];
    await host.text(one, 'add');
    await host.text(other, 'add');
    const states = async (): Promise<readonly string[]> => [
      await host.text(one, 'state'),
      await host.text(other, 'state'),
    ];
    const before = await states();
    expect(host.upgradeWith(one, kept.keeper, null)).toMatch(
      /^IC0504: .*Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option\./,
    );
    expect(host.upgradeWith(other, classic.keeper, 'keep')).toMatch(
      /^IC0504: .*Invalid upgrade option: The `wasm_memory_persistence: opt Keep` upgrade option requires that the new canister module supports enhanced orthogonal persistence\./,
    );
    expect(await states()).toEqual(before);
    // Main memory goes, and with it the variables: the actor begins anew and counts this upgrade.
    expect(host.upgradeWith(one, kept.keeper, 'replace')).toBe('upgraded');
    expect(await host.text(one, 'state')).toBe('(0, 0, null, (0, 0, 0), 0, [], 1, 0)');
  });
});

describe('certified data of a Motoko actor', () => {
  interface Certifier {
    certify(): Promise<string>;
    hasCertificate(): Promise<string>;
    certificate(): Promise<[] | [Uint8Array]>;
  }

  it('is in a certificate that a query hands out and an agent verifies; an update has none', async () => {
    const { worker } = await journeyModules('enhanced');
    const replica = new TestReplica();
    const agent = await replica.agent();
    const management = managementCanister(agent, replica.firstCanisterId());
    const { canister_id: canisterId } = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    await management.install_code({
      mode: { install: null },
      canister_id: canisterId,
      wasm_module: worker,
      arg: IDL.encode([IDL.Principal], [Principal.managementCanister()]),
    });
    const actor = Actor.createActor<Certifier>(
      () =>
        IDL.Service({
          certify: IDL.Func([], [IDL.Text], []),
          hasCertificate: IDL.Func([], [IDL.Text], []),
          certificate: IDL.Func([], [IDL.Opt(IDL.Vec(IDL.Nat8))], ['query']),
        }),
      { agent, canisterId },
    );
    expect(await actor.certify()).toBe('set');
    expect(await actor.hasCertificate()).toBe('false');
    const [bytes] = await actor.certificate();
    const certificate = await Certificate.create({
      certificate: Uint8Array.from(bytes ?? []),
      rootKey: replica.rootKey,
      principal: { canisterId },
    });
    const found = certificate.lookup_path([
      'canister',
      canisterId.toUint8Array(),
      'certified_data',
    ]);
    expect(found.status === 'Found' ? [...found.value] : []).toEqual([1, 2, 3]);
  });
});
