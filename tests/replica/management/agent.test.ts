import { createHash } from 'node:crypto';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../support/management-agent.ts';
import {
  managementScene,
  OWNER,
  STRANGER,
  type ManagementScene,
} from '../../support/management-scene.ts';

/**
 * Every method of the management canister that concerns one subnet, through an unmodified agent with
 * certificates and query signatures checked: a way that works, and what it is refused for.
 */

const NO_BYTES = new Uint8Array(0);
const EMPTY_ARGUMENT = Uint8Array.from(IDL.encode([], []));
const sha256 = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(bytes).digest());

let replica: ManagementScene['replica'];
let keeper: ManagementScene['keeper'];
let agent: ManagementScene['agent'];
let canister: ManagementScene['canister'];
let forwarder: ManagementScene['forwarder'];
let update: ManagementScene['update'];
let query: ManagementScene['query'];
let stranger: ManagementScene['stranger'];
let strangerQuery: ManagementScene['strangerQuery'];
let byCanister: ManagementScene['byCanister'];
let create: ManagementScene['create'];
let set: ManagementScene['set'];

beforeAll(async () => {
  ({
    replica,
    keeper,
    agent,
    canister,
    forwarder,
    update,
    query,
    stranger,
    strangerQuery,
    byCanister,
    create,
    set,
  } = await managementScene());
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
    await set({ log_visibility: { allowed_viewers: [STRANGER.getPrincipal()] } });
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
    await expect(stranger('canister_status')).rejects.toThrow(/IC0542/);
    await expect(strangerQuery('canister_status')).rejects.toThrow(
      /is not allowed to read the canister status[^]*IC0542/,
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
      controllers: [OWNER.getPrincipal()],
      recent_changes: [
        { canister_version: 0n, details: { creation: { controllers: [OWNER.getPrincipal()] } } },
        {
          canister_version: 1n,
          origin: { from_user: { user_id: OWNER.getPrincipal() } },
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
    ).rejects.toThrow(/^3: Canister .* not found/);
  });

  it('is public metadata', async () => {
    const notes = { canister_id: canister, name: 'notes' };
    await expect(byCanister.call('canister_metadata', notes)).rejects.toThrow(
      /^4: The canister .* has no metadata section with the name notes\.$/,
    );
    await set({ controllers: [OWNER.getPrincipal(), forwarder] });
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
    await expect(byCanister.raw('raw_rand', argument)).rejects.toThrow(/^4: Error decoding candid/);
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
    const other = /^4: Provided target subnet ID .* does not match current subnet ID/;
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
      /^3: Canister .* not found/,
    );
  });

  it('makes canisters for canisters that pay', async () => {
    const settings = Uint8Array.from(IDL.encode([IDL.Record({})], [{}]));
    await expect(byCanister.raw('create_canister', settings, 7n)).rejects.toThrow(
      /^4: Creating a canister requires a fee of \d+ .* only 7 cycles were received/,
    );
    const reply = await byCanister.raw('create_canister', settings, 10n ** 12n);
    const [made] = IDL.decode(
      [IDL.Record({ canister_id: IDL.Principal })],
      Uint8Array.from(reply),
    ) as unknown as [{ canister_id: Principal }];
    await expect(query('canister_status', made)).rejects.toThrow(/IC0542/);
    expect(await byCanister.call('canister_status', made)).toMatchObject({
      settings: { controllers: [forwarder] },
    });
  });
});
