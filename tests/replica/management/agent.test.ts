import { createHash } from 'node:crypto';
import type { HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { CALLER_WAT } from '../../support/caller-wat.ts';
import { KEEPER_WAT, withCustomSection } from '../../support/keeper-wat.ts';
import {
  forwardingBy,
  queriesOf,
  updatesOf,
  type Caller,
  type Forwarding,
} from '../../support/management-agent.ts';
import { encodeArgument, someSettings } from '../../support/management-interface.ts';
import { TestReplica } from '../../support/test-replica.ts';
import { compileWat } from '../../support/wat.ts';

/**
 * Every method of the management canister that concerns one subnet, through an unmodified agent with
 * certificates and query signatures checked: a way that works, and what it is refused for.
 */

const NO_BYTES = new Uint8Array(0);
const EMPTY_ARGUMENT = Uint8Array.from(IDL.encode([], []));
const sha256 = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(bytes).digest());
const identity = (seed: number): Ed25519KeyIdentity =>
  Ed25519KeyIdentity.generate(new Uint8Array(32).fill(seed));

interface Snapshot {
  readonly id: Uint8Array;
  readonly total_size: bigint;
}
interface Metadata {
  readonly wasm_module_size: bigint;
  readonly wasm_memory_size: bigint;
  readonly stable_memory_size: bigint;
}

const owner = identity(21);
const replica = new TestReplica();
let keeper: Uint8Array;
let agent: HttpAgent;
let strangerAgent: HttpAgent;
let canister: Principal;
let forwarder: Principal;
/** As the controller, as somebody else, and as a canister of the controller. */
let update: Caller;
let query: Caller;
let stranger: Caller;
let strangerQuery: Caller;
let byCanister: Forwarding;

async function create(settings: object[] = []): Promise<Principal> {
  const { canister_id } = await update<{ canister_id: Principal }>(
    'provisional_create_canister_with_cycles',
    { amount: [10n ** 14n], settings, specified_id: [], canister_id: replica.firstCanisterId() },
  );
  return canister_id;
}

async function install(canister_id: Principal, wasm_module: Uint8Array): Promise<void> {
  await update('install_code', {
    canister_id,
    wasm_module,
    mode: { install: null },
    arg: NO_BYTES,
  });
}

const set = (given: Readonly<Record<string, unknown>>, caller = update): Promise<unknown> =>
  caller('update_settings', { settings: someSettings(given) });

beforeAll(async () => {
  keeper = withCustomSection(await compileWat(KEEPER_WAT), 'icp:private notes', 'for owners');
  agent = await replica.agent(owner);
  strangerAgent = await replica.agent(identity(22));
  update = updatesOf(agent, replica.firstCanisterId());
  canister = await create();
  update = updatesOf(agent, canister);
  query = queriesOf(agent, canister);
  stranger = updatesOf(strangerAgent, canister);
  strangerQuery = queriesOf(strangerAgent, canister);
  forwarder = await create();
  byCanister = forwardingBy(agent, forwarder, () => replica.round());
  await install(canister, keeper);
  await install(forwarder, await compileWat(CALLER_WAT));
}, 60_000);

describe('code in chunks', () => {
  let target: Principal;
  let parts: readonly [Uint8Array, Uint8Array];
  const installChunked = (argument: object): Promise<unknown> =>
    update('install_chunked_code', {
      mode: { install: null },
      target_canister: target,
      store_canister: [canister],
      wasm_module_hash: sha256(keeper),
      chunk_hashes_list: parts.map((part) => ({ hash: sha256(part) })),
      arg: NO_BYTES,
      ...argument,
    });

  it('is uploaded, listed, installed elsewhere and cleared', async () => {
    target = await create();
    parts = [keeper.subarray(0, 200), keeper.subarray(200)];
    for (const chunk of parts) {
      expect(await update('upload_chunk', { chunk })).toEqual({ hash: sha256(chunk) });
    }
    const stored = parts.map((part) => ({ hash: sha256(part) }));
    expect(await update('stored_chunks')).toEqual(
      stored.toSorted((a, b) => Buffer.compare(a.hash, b.hash)),
    );
    await expect(installChunked({ chunk_hashes_list: stored.toReversed() })).rejects.toThrow(
      /Error from Wasm chunk store: Wasm module hash[^]*IC0504/,
    );
    await expect(
      installChunked({ chunk_hashes_list: [{ hash: sha256(NO_BYTES) }] }),
    ).rejects.toThrow(/Chunk hash \[227, 176[^]*was not found[^]*IC0504/);
    await installChunked({});
    const { module_hash } = await query('canister_status', { canister_id: target });
    expect(module_hash).toEqual([sha256(keeper)]);
    await expect(installChunked({})).rejects.toThrow(/canister is not empty[^]*IC0514/);
    await update('clear_chunk_store');
    expect(await update('stored_chunks')).toEqual([]);
  });

  it('is refused to strangers, and when a chunk is too large', async () => {
    const not = (method: string): RegExp =>
      new RegExp(`Only controllers of canister .* can call ic00 method ${method}[^]*IC0512`);
    await expect(stranger('upload_chunk', { chunk: NO_BYTES })).rejects.toThrow(
      not('upload_chunk'),
    );
    await expect(stranger('stored_chunks')).rejects.toThrow(not('stored_chunks'));
    await expect(stranger('clear_chunk_store')).rejects.toThrow(not('clear_chunk_store'));
    await expect(update('upload_chunk', { chunk: new Uint8Array(2 ** 20 + 1) })).rejects.toThrow(
      /Wasm chunk size 1048577 exceeds the maximum chunk size of 1048576[^]*IC0504/,
    );
  });
});

describe('logs', () => {
  interface Logs {
    readonly canister_log_records: readonly { readonly content: Uint8Array }[];
  }
  const lines = async (caller: Caller): Promise<readonly string[]> => {
    const { canister_log_records: records } = await caller<Logs>('fetch_canister_logs');
    return records.map(({ content }) => Buffer.from(content).toString());
  };

  it('are a query, for whom the settings name', async () => {
    await agent.update(canister, { methodName: 'bump', arg: NO_BYTES });
    expect(await lines(query)).toEqual(['bumped']);
    const refused = /Caller .* is not allowed to access canister logs[^]*IC0406/;
    await expect(lines(strangerQuery)).rejects.toThrow(refused);
    await set({ log_visibility: { public: null } });
    expect(await lines(strangerQuery)).toEqual(['bumped']);
    await set({ log_visibility: { allowed_viewers: [forwarder] } });
    await expect(lines(strangerQuery)).rejects.toThrow(refused);
    await set({ log_visibility: { allowed_viewers: [identity(22).getPrincipal()] } });
    expect(await lines(strangerQuery)).toEqual(['bumped']);
  });

  it('are no update', async () => {
    await expect(lines(update)).rejects.toThrow(
      /fetch_canister_logs API is not accessible via ingress in replicated mode[^]*IC0406/,
    );
  });
});

describe('status and metrics', () => {
  it('are the same as update and as query', async () => {
    const asUpdate = await update('canister_status');
    const asQuery = await query('canister_status');
    expect(asUpdate).toMatchObject({ status: { running: null }, module_hash: [sha256(keeper)] });
    expect({ ...asQuery, cycles: 0n }).toEqual({ ...asUpdate, cycles: 0n });
    expect(await query('canister_metrics')).toEqual(await update('canister_metrics'));
  });

  it('are for controllers, unless the settings say otherwise', async () => {
    await expect(stranger('canister_status')).rejects.toThrow(/IC0512/);
    await expect(strangerQuery('canister_status')).rejects.toThrow(
      /Only the controllers of the canister [^]*IC0512/,
    );
    await set({ status_visibility: { public: null } });
    expect(await strangerQuery('canister_status')).toMatchObject({ status: { running: null } });
    expect(await stranger('canister_status')).toMatchObject({ status: { running: null } });
    await expect(strangerQuery('canister_metrics')).rejects.toThrow(/IC0512/);
  });

  it('of nobody are not found', async () => {
    const canister_id = Principal.fromHex('00000000000fff000101');
    await expect(update('canister_status', { canister_id })).rejects.toThrow(/not found[^]*IC0301/);
    await expect(query('canister_status', { canister_id })).rejects.toThrow(/not found[^]*IC0301/);
  });
});

describe('what canisters may ask of each other', () => {
  it('is history, module hash and controllers', async () => {
    const info = (count: bigint[]): Promise<unknown> =>
      byCanister.call('canister_info', { canister_id: canister, num_requested_changes: count });
    expect(await info([2n])).toMatchObject({
      total_num_changes: 2n,
      module_hash: [sha256(keeper)],
      controllers: [owner.getPrincipal()],
      recent_changes: [
        { canister_version: 0n, details: { creation: { controllers: [owner.getPrincipal()] } } },
        {
          canister_version: 1n,
          origin: { from_user: { user_id: owner.getPrincipal() } },
          details: { code_deployment: { mode: { install: null }, module_hash: sha256(keeper) } },
        },
      ],
    });
    expect(await info([])).toMatchObject({ recent_changes: [] });
    await expect(
      byCanister.call('canister_info', {
        canister_id: Principal.fromHex('00000000000fff000101'),
        num_requested_changes: [],
      }),
    ).rejects.toThrow(/^3: IC0301: Canister .* not found/);
  });

  it('is public metadata', async () => {
    const notes = { canister_id: canister, name: 'notes' };
    await expect(byCanister.call('canister_metadata', notes)).rejects.toThrow(
      /^4: IC0406: The canister .* has no metadata section with the name notes\.$/,
    );
    await set({ controllers: [owner.getPrincipal(), forwarder] });
    expect(await byCanister.call('canister_metadata', notes)).toEqual({
      value: Uint8Array.from(Buffer.from('for owners')),
    });
  });

  it.each(['canister_info', 'canister_metadata', 'node_metrics_history', 'subnet_info'] as const)(
    'is not for users: %s',
    async (method) => {
      const argument = {
        num_requested_changes: [],
        name: '',
        subnet_id: canister,
        start_at_timestamp_nanos: 0n,
      };
      await expect(update(method, argument)).rejects.toThrow(
        new RegExp(`Only canisters can call ic00 method ${method}[^]*IC0406`),
      );
    },
  );
});

describe('the subnet', () => {
  const subnetId = (): Principal =>
    Principal.fromUint8Array(replica.principalOf(replica.env.subnetId).toUint8Array());

  it('gives random bytes, others each time, and none for an argument', async () => {
    const random = async (): Promise<Uint8Array> => {
      const reply = await byCanister.raw('raw_rand', EMPTY_ARGUMENT);
      return IDL.decode([IDL.Vec(IDL.Nat8)], Uint8Array.from(reply))[0] as unknown as Uint8Array;
    };
    const [one, two] = [await random(), await random()];
    expect([one.length, two.length]).toEqual([32, 32]);
    expect(one).not.toEqual(two);
    const argument = Uint8Array.from(IDL.encode([IDL.Nat], [1n]));
    await expect(byCanister.raw('raw_rand', argument)).rejects.toThrow(/^4: IC0408/);
  });

  it('tells its version, and what its nodes did', async () => {
    expect(await byCanister.call('subnet_info', { subnet_id: subnetId() })).toMatchObject({
      registry_version: 1n,
    });
    const history = await byCanister.call<readonly { node_metrics: object[] }[]>(
      'node_metrics_history',
      { subnet_id: subnetId(), start_at_timestamp_nanos: 0n },
    );
    expect(history.at(-1)?.node_metrics).toMatchObject([
      { node_id: replica.principalOf(replica.crypto.nodeId), num_block_failures_total: 0n },
    ]);
    const later = { subnet_id: subnetId(), start_at_timestamp_nanos: (1n << 64n) - 1n };
    expect(await byCanister.call('node_metrics_history', later)).toEqual([]);
  });

  it('answers for itself only', async () => {
    const other = /^4: IC0406: Provided target subnet ID .* does not match current subnet ID/;
    await expect(byCanister.call('subnet_info', { subnet_id: canister })).rejects.toThrow(other);
    await expect(
      byCanister.call('node_metrics_history', {
        subnet_id: canister,
        start_at_timestamp_nanos: 0n,
      }),
    ).rejects.toThrow(other);
  });

  it('takes cycles to another canister, and back when there is none', async () => {
    const target = (canister_id: Principal): Uint8Array =>
      Uint8Array.from(IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id }]));
    const balance = async (): Promise<bigint> =>
      (await query<{ cycles: bigint }>('canister_status')).cycles;
    const before = await balance();
    await byCanister.raw('deposit_cycles', target(canister), 10n ** 12n);
    const gained = (await balance()) - before;
    expect(gained).toBeGreaterThan(10n ** 12n - 10n ** 9n);
    expect(gained).toBeLessThanOrEqual(10n ** 12n);
    const nobody = Principal.fromHex('00000000000fff000101');
    await expect(byCanister.raw('deposit_cycles', target(nobody), 5n)).rejects.toThrow(
      /^3: IC0301: Canister .* not found/,
    );
  });

  it('makes canisters for canisters that pay', async () => {
    const settings = Uint8Array.from(IDL.encode([IDL.Record({})], [{}]));
    await expect(byCanister.raw('create_canister', settings, 7n)).rejects.toThrow(
      /^4: IC0403: Creating a canister requires a fee of \d+ .* only 7 cycles were received/,
    );
    const reply = await byCanister.raw('create_canister', settings, 10n ** 12n);
    const [made] = IDL.decode(
      [IDL.Record({ canister_id: IDL.Principal })],
      Uint8Array.from(reply),
    ) as unknown as [{ canister_id: Principal }];
    await expect(query('canister_status', made)).rejects.toThrow(/IC0512/);
    expect(await byCanister.call('canister_status', made)).toMatchObject({
      settings: { controllers: [forwarder] },
    });
  });
});

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
    const foreign = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, ...forwarder.toUint8Array());
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
    await set({ snapshot_visibility: { allowed_viewers: [identity(22).getPrincipal()] } });
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
      controllers: [owner.getPrincipal()],
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
    expect(answer).toMatchObject({ status: 'rejected', error_code: 'IC0406' });
  });
});
