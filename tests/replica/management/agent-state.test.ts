import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeArgument, someSettings } from '../../support/management-interface.ts';
import {
  identity,
  managementScene,
  OWNER,
  STRANGER,
  type ManagementScene,
} from '../../support/management-scene.ts';

/** The second half of `agent.test.ts`: snapshots, canisters of a test network, settings. */

const NO_BYTES = new Uint8Array(0);
const EMPTY_ARGUMENT = Uint8Array.from(IDL.encode([], []));

interface Snapshot {
  readonly id: Uint8Array;
  readonly total_size: bigint;
}
interface Metadata {
  readonly wasm_module_size: bigint;
  readonly wasm_memory_size: bigint;
  readonly stable_memory_size: bigint;
}

let replica: ManagementScene['replica'];
let agent: ManagementScene['agent'];
let canister: ManagementScene['canister'];
let update: ManagementScene['update'];
let query: ManagementScene['query'];
let stranger: ManagementScene['stranger'];
let keeper: ManagementScene['keeper'];
let create: ManagementScene['create'];
let set: ManagementScene['set'];

beforeAll(async () => {
  ({ replica, agent, canister, update, query, stranger, create, keeper, set } =
    await managementScene());
}, 60_000);

describe('snapshots', () => {
  const NONE = { replace_snapshot: [], uninstall_code: [] };
  const take = (argument: object = {}): Promise<Snapshot> =>
    update<Snapshot>('take_canister_snapshot', { ...NONE, ...argument });
  const state = async (): Promise<number[]> => {
    const answer = await agent.query(canister, { methodName: 'state', arg: NO_BYTES });
    return answer.status === 'replied' ? [...answer.reply.arg] : [];
  };
  const bump = (): Promise<unknown> =>
    agent.update(canister, { methodName: 'bump', arg: NO_BYTES });
  const read = async (snapshot_id: Uint8Array, kind: object): Promise<Uint8Array> =>
    (await update<{ chunk: Uint8Array }>('read_canister_snapshot_data', { snapshot_id, kind }))
      .chunk;

  it('are taken, listed, loaded, replaced and deleted', async () => {
    const first = await take();
    const before = await state();
    await bump();
    expect(await update('list_canister_snapshots')).toEqual([first]);
    await update('load_canister_snapshot', { snapshot_id: first.id });
    expect(await state()).toEqual(before);
    const second = await take({ replace_snapshot: [first.id] });
    expect(second.id).not.toEqual(first.id);
    await update('delete_canister_snapshot', { snapshot_id: second.id });
    expect(await update('list_canister_snapshots')).toEqual([]);
  });

  it('go out in parts and come in again', async () => {
    const { id: snapshot_id } = await take();
    const saved = await state();
    const facts = await update<Metadata>('read_canister_snapshot_metadata', { snapshot_id });
    const made = await update<{ snapshot_id: Uint8Array }>('upload_canister_snapshot_metadata', {
      ...facts,
      replace_snapshot: [],
    });
    for (const [part, size] of [
      ['wasm_module', facts.wasm_module_size],
      ['wasm_memory', facts.wasm_memory_size],
      ['stable_memory', facts.stable_memory_size],
    ] as const) {
      const chunk = await read(snapshot_id, { [part]: { offset: 0n, size } });
      const kind = { [part]: { offset: 0n } };
      await update('upload_canister_snapshot_data', { ...made, kind, chunk });
    }
    await bump();
    await update('load_canister_snapshot', made);
    expect(await state()).toEqual(saved);
    await expect(
      update('upload_canister_snapshot_data', {
        snapshot_id,
        kind: { wasm_module: { offset: 0n } },
        chunk: NO_BYTES,
      }),
    ).rejects.toThrow(
      /Only canister snapshots created by metadata upload can be mutated[^]*IC0409/,
    );
    await expect(
      read(snapshot_id, { wasm_module: { offset: 0n, size: 2_000_001n } }),
    ).rejects.toThrow(/Requested slice too large: 2000001 > 2000000[^]*IC0408/);
    await expect(
      update('upload_canister_snapshot_metadata', {
        ...facts,
        wasm_module_size: 0n,
        replace_snapshot: [],
      }),
    ).rejects.toThrow(/Snapshot Metadata contains invalid data: WasmModuleEmpty[^]*IC0408/);
  });

  it('are refused to strangers, of empty canisters, and under wrong names', async () => {
    const snapshot_id = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 99, ...canister.toUint8Array());
    await expect(update('load_canister_snapshot', { snapshot_id })).rejects.toThrow(
      /Could not find the snapshot ID [0-9a-f]+ for canister[^]*IC0305/,
    );
    const other = await create();
    await update('install_code', {
      canister_id: other,
      wasm_module: keeper,
      mode: { install: null },
      arg: NO_BYTES,
    });
    const { id: foreign } = await take({ canister_id: other });
    await expect(update('delete_canister_snapshot', { snapshot_id: foreign })).rejects.toThrow(
      /The snapshot [0-9a-f]+ does not belong to canister[^]*IC0406/,
    );
    const empty = await create();
    await expect(take({ canister_id: empty })).rejects.toThrow(
      /Failed to create snapshot for empty canister[^]*IC0406/,
    );
    for (const [method, argument] of [
      ['take_canister_snapshot', NONE],
      ['load_canister_snapshot', { snapshot_id }],
      ['list_canister_snapshots', {}],
      ['read_canister_snapshot_metadata', { snapshot_id }],
    ] as const) {
      await expect(stranger(method, argument)).rejects.toThrow(/Only controllers[^]*IC0512/);
    }
    await set({ snapshot_visibility: { allowed_viewers: [STRANGER.getPrincipal()] } });
    expect(await stranger<Snapshot[]>('list_canister_snapshots')).toHaveLength(2);
    await expect(stranger('delete_canister_snapshot', { snapshot_id })).rejects.toThrow(/IC0512/);
  });
});

describe('canisters of a test network', () => {
  const make = (argument: object): Promise<{ canister_id: Principal }> =>
    update('provisional_create_canister_with_cycles', {
      amount: [],
      settings: [],
      specified_id: [],
      canister_id: replica.firstCanisterId(),
      ...argument,
    });

  it('come with the cycles, settings and id that are asked for', async () => {
    const specified = Principal.fromHex('000000000000abcd0101');
    const { canister_id } = await make({
      amount: [123_000_000_000n],
      settings: [someSettings({ freezing_threshold: 0n, compute_allocation: 0n })],
      specified_id: [specified],
    });
    expect(canister_id.toText()).toBe(specified.toText());
    expect(await query('canister_status', { canister_id })).toMatchObject({
      cycles: 123_000_000_000n,
      settings: { freezing_threshold: 0n },
    });
    await stranger('provisional_top_up_canister', { canister_id, amount: [5n] });
    expect(await query('canister_status', { canister_id })).toMatchObject({
      cycles: 123_000_000_005n,
    });
    await expect(make({ specified_id: [specified] })).rejects.toThrow(
      /Canister .* is already installed[^]*IC0538/,
    );
  });

  it('are refused outside of the subnet, and cycles for nobody', async () => {
    const foreign = Principal.fromHex('00000100000000000101');
    await expect(make({ specified_id: [foreign], canister_id: foreign })).rejects.toThrow(
      /is not hosted by subnet[^]*IC0405/,
    );
    await expect(
      update('provisional_top_up_canister', {
        canister_id: Principal.fromHex('00000000000fff000101'),
        amount: [],
      }),
    ).rejects.toThrow(/not found[^]*IC0301/);
    const controllers = Array.from({ length: 11 }, (_, i) => identity(100 + i).getPrincipal());
    await expect(make({ settings: [someSettings({ controllers })] })).rejects.toThrow(
      /The number of elements exceeds maximum allowed 10[^]*IC0408/,
    );
  });
});

describe('settings', () => {
  it('are set and told, each of them', async () => {
    const given = {
      controllers: [OWNER.getPrincipal()],
      compute_allocation: 2n,
      memory_allocation: 20_000_000n,
      freezing_threshold: 86_400n,
      reserved_cycles_limit: 7_000_000_000_000n,
      minimum_incoming_canister_call_cycles: 11n,
      log_visibility: { controllers: null },
      snapshot_visibility: { public: null },
      status_visibility: { controllers: null },
      wasm_memory_limit: 1n << 32n,
      wasm_memory_threshold: 5n,
      environment_variables: [{ name: 'KEY', value: 'värde' }],
    };
    await set(given);
    expect(await query('canister_status')).toMatchObject({ settings: given });
  });

  it.each([
    [
      'compute_allocation',
      { compute_allocation: 101n },
      /ComputeAllocation expected to be in the range[^]*IC0504/,
    ],
    [
      'wasm_memory_limit',
      { wasm_memory_limit: (1n << 48n) + 1n },
      /Wasm memory limit expected[^]*IC0504/,
    ],
    [
      'memory_allocation',
      { memory_allocation: 1n << 50n },
      /Canister requested 1\.00 PiB of memory[^]*IC0101/,
    ],
    [
      'reserved_cycles_limit',
      { reserved_cycles_limit: 1n << 128n },
      /Reserved cycles limit expected[^]*IC0504/,
    ],
    [
      'environment_variables',
      { environment_variables: [{ name: 'N'.repeat(129), value: '' }] },
      /exceeds the maximum allowed length of 128[^]*IC0408/,
    ],
  ] as const)('are refused: %s', async (_name, given, text) => {
    await expect(set(given)).rejects.toThrow(text);
  });

  it('are for controllers, and for arguments that can be read', async () => {
    await expect(set({}, stranger)).rejects.toThrow(/Only controllers[^]*IC0512/);
    const bad = { methodName: 'update_settings', effectiveCanisterId: canister };
    await expect(agent.update('aaaaa-aa', { ...bad, arg: EMPTY_ARGUMENT })).rejects.toThrow(
      /Failed to decode payload for ic00 method: update_settings[^]*IC0408/,
    );
  });
});

describe('services of other subnets', () => {
  it.each([
    'sign_with_ecdsa',
    'schnorr_public_key',
    'vetkd_derive_key',
    'http_request',
    'bitcoin_get_balance',
    'no_such_method',
  ])('are not for users: %s', async (methodName) => {
    const call = { methodName, arg: EMPTY_ARGUMENT, effectiveCanisterId: canister };
    await expect(agent.update('aaaaa-aa', call)).rejects.toThrow(
      new RegExp(`Only canisters can call ic00 method ${methodName}[^]*IC0406`),
    );
  });

  it('list no canisters: nobody administers this subnet', async () => {
    const answer = await agent.query('aaaaa-aa', {
      methodName: 'list_canisters',
      arg: encodeArgument('stored_chunks', { canister_id: canister }),
      effectiveCanisterId: canister,
    });
    expect(answer).toMatchObject({ status: 'rejected', error_code: 'IC0410' });
  });
});
