import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { IDL } from '@icp-sdk/core/candid';
import type { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MANAGEMENT_CANISTER_ID } from '../../../../src/protocol/crypto/principal.ts';
import { hashOfMap } from '../../../../src/protocol/crypto/representation-hash.ts';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo } from '../../../support/caller-wat.ts';
import { KEEPER_WAT, withCustomSection } from '../../../support/keeper-wat.ts';
import {
  encodeArgument,
  manage,
  manageBy,
  principalOf,
  someSettings,
} from '../../../support/management-interface.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

const NO_BYTES = new Uint8Array(0);
const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(bytes).digest());

interface Hash {
  readonly hash: Uint8Array;
}
interface Change {
  readonly canister_version: bigint;
  readonly origin: object;
  readonly details: Record<string, unknown>;
}
interface Info {
  readonly total_num_changes: bigint;
  readonly recent_changes: readonly Change[];
  readonly module_hash: readonly Uint8Array[];
  readonly controllers: readonly Principal[];
}

describe('the management canister', () => {
  let keeper: Uint8Array;
  let callerWasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  let caller: CanisterId;

  beforeAll(async () => {
    keeper = await compileWat(KEEPER_WAT);
    callerWasm = await compileWat(CALLER_WAT);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.create();
    caller = subnet.createWith(callerWasm);
  });

  const upload = (chunk: Uint8Array, to = id): Hash | string =>
    manage<Hash>(subnet, to, 'upload_chunk', { chunk });
  const settings = (canisterId: CanisterId, given: Readonly<Record<string, unknown>>): unknown =>
    manage(subnet, canisterId, 'update_settings', { settings: someSettings(given) });
  const installChunked = (argument: object, target = id): unknown =>
    manage(subnet, target, 'install_chunked_code', {
      mode: { install: null },
      store_canister: [],
      arg: NO_BYTES,
      ...argument,
    });

  describe('chunk store', () => {
    it('keeps chunks once each, by hash, for a full slot of memory', () => {
      const chunk = Uint8Array.of(1, 2, 3);
      expect(upload(chunk)).toEqual({ hash: sha256(chunk) });
      expect(upload(chunk)).toEqual({ hash: sha256(chunk) });
      expect(upload(NO_BYTES)).toEqual({ hash: sha256(NO_BYTES) });
      const hashes = [sha256(chunk), sha256(NO_BYTES)].sort(Buffer.compare);
      const stored = (): unknown => manage<Hash[]>(subnet, id, 'stored_chunks');
      expect(stored()).toEqual(hashes.map((hash) => ({ hash })));
      expect(manage(subnet, id, 'canister_status')).toMatchObject({
        memory_metrics: { wasm_chunk_store_size: BigInt(2 * MIB) },
      });
      expect(manage(subnet, id, 'clear_chunk_store')).toBeUndefined();
      expect(stored()).toEqual([]);
    });

    it('refuses a chunk above 1 MiB, and the 101st', () => {
      expect(upload(new Uint8Array(MIB + 1))).toMatch(
        /^IC0504: Error from Wasm chunk store: Wasm chunk size 1048577 exceeds the maximum chunk size of 1048576\.\nUse the `stored_chunks` API/,
      );
      const full = Array.from({ length: 100 }, (_, i) => ({
        hash: i.toString(16).padStart(64, '0') as never,
        length: 1,
      }));
      const canister = subnet.canister(id);
      const chunkStore = { ...canister.chunkStore, chunks: full };
      subnet.state = {
        ...subnet.state,
        canisters: subnet.state.canisters.set(id, { ...canister, chunkStore }),
      };
      expect(upload(Uint8Array.of(1))).toMatch(
        /Wasm chunk store has already reached maximum capacity of 104857600 bytes/,
      );
    });

    it('is open to the canister itself, and charges it', () => {
      const before = subnet.canister(caller).cycles;
      const answer = manageBy<Hash>(subnet, caller, 'upload_chunk', {
        canister_id: principalOf(caller),
        chunk: Uint8Array.of(9),
      });
      expect(answer).toEqual({ hash: sha256(Uint8Array.of(9)) });
      const paid = before - subnet.canister(caller).cycles;
      expect(paid).toBeGreaterThan(((200_000_000n + 5_000_000n) * 4n) / 13n);
      expect(
        manageBy(subnet, caller, 'upload_chunk', {
          canister_id: principalOf(id),
          chunk: Uint8Array.of(9),
        }),
      ).toMatchObject({ code: 5 });
    });

    it('installs from the chunks of another canister of the same controller, in the order named', () => {
      const store = subnet.create();
      const [first, second] = [keeper.subarray(0, 100), keeper.subarray(100)];
      upload(first, store);
      upload(second, store);
      const chunks = { store_canister: [principalOf(store)], wasm_module_hash: sha256(keeper) };
      const inOrder = [{ hash: sha256(first) }, { hash: sha256(second) }];
      expect(installChunked({ ...chunks, chunk_hashes_list: inOrder.toReversed() })).toMatch(
        new RegExp(
          `^IC0504: Error from Wasm chunk store: Wasm module hash \\[\\d+(, \\d+){31}\\] does not match given hash WasmHash\\(\\[${[...sha256(keeper)].join(', ')}\\]\\)\\.\\n`,
        ),
      );
      expect(installChunked({ ...chunks, store_canister: [], chunk_hashes_list: inOrder })).toMatch(
        /^IC0504: Error from Wasm chunk store: Chunk hash \[\d+(, \d+){31}\] was not found\.\n/,
      );
      expect(installChunked({ ...chunks, chunk_hashes_list: inOrder })).toBeUndefined();
      expect([...subnet.query(id, 'state')]).toEqual([0, 0, 0]);
      settings(store, { controllers: [principalOf('abcdef01')] });
      expect(
        installChunked({ ...chunks, mode: { reinstall: null }, chunk_hashes_list: inOrder }),
      ).toMatch(/^IC0512: Only the controllers of the canister/);
    });

    it('goes with the code', () => {
      upload(Uint8Array.of(1));
      manage(subnet, id, 'uninstall_code');
      expect(subnet.canister(id).chunkStore.chunks).toEqual([]);
    });
  });

  it('installs a compressed module under the hash and size of what was sent', () => {
    const packed = Uint8Array.from(gzipSync(keeper));
    subnet.install(id, packed);
    expect(subnet.canister(id).lastInstallNs).toBe(subnet.state.timeNs);
    const { execution } = subnet.canister(id);
    expect(execution?.moduleHash).toBe(Buffer.from(sha256(packed)).toString('hex'));
    expect(manage(subnet, id, 'canister_status')).toMatchObject({
      memory_metrics: { wasm_binary_size: BigInt(packed.length) },
    });
    subnet.sandbox.handle({ kind: 'forget', canisterId: id });
    expect([...subnet.query(id, 'state')]).toEqual([0, 0, 0]);
  });

  it('tells canisters the history of a canister: who, what, and at which version', () => {
    subnet.install(id, keeper);
    settings(id, { controllers: [principalOf('04'), principalOf(caller)] });
    manageBy(subnet, caller, 'update_settings', {
      canister_id: principalOf(id),
      settings: someSettings({ controllers: [principalOf(caller), principalOf('04')] }),
      sender_canister_version: [77n],
    });
    manage(subnet, id, 'uninstall_code');
    const info = (count: bigint[]): unknown =>
      manageBy<Info>(subnet, caller, 'canister_info', {
        canister_id: principalOf(id),
        num_requested_changes: count,
      });
    const user = { from_user: { user_id: principalOf('04') } };
    const controllers = [principalOf(caller), principalOf('04')];
    expect(info([3n])).toEqual({
      total_num_changes: 5n,
      module_hash: [],
      controllers,
      recent_changes: [
        {
          timestamp_nanos: expect.any(BigInt) as bigint,
          canister_version: 2n,
          origin: user,
          details: { controllers_change: { controllers } },
        },
        {
          timestamp_nanos: expect.any(BigInt) as bigint,
          canister_version: 3n,
          origin: {
            from_canister: { canister_id: principalOf(caller), canister_version: [77n] },
          },
          details: { controllers_change: { controllers } },
        },
        {
          timestamp_nanos: subnet.canister(id).changes.at(-1)?.timeNs,
          canister_version: 4n,
          origin: user,
          details: { code_uninstall: null },
        },
      ],
    });
    expect(info([])).toMatchObject({ recent_changes: [], total_num_changes: 5n });
    const all = info([1000n]) as Info;
    expect(all.recent_changes.map(({ details }) => Object.keys(details)[0])).toEqual([
      'creation',
      'code_deployment',
      'controllers_change',
      'controllers_change',
      'code_uninstall',
    ]);
  });

  it('records the environment that a canister was created with as a hash', () => {
    const created = manage<{ canister_id: Principal }>(
      subnet,
      id,
      'provisional_create_canister_with_cycles',
      {
        amount: [],
        specified_id: [],
        settings: [
          someSettings({
            environment_variables: [
              { name: 'B', value: '2' },
              { name: 'A', value: '1' },
            ],
          }),
        ],
      },
    ) as { canister_id: Principal };
    const fresh = Buffer.from(created.canister_id.toUint8Array()).toString('hex') as CanisterId;
    const info = manageBy<Info>(subnet, caller, 'canister_info', {
      canister_id: created.canister_id,
      num_requested_changes: [1n],
    }) as Info;
    expect(info.recent_changes[0]?.details).toEqual({
      creation: {
        controllers: [principalOf('04')],
        environment_variables_hash: [Uint8Array.from(hashOfMap({ A: '1', B: '2' }))],
      },
    });
    expect(subnet.canister(fresh).settings.environmentVariables).toEqual([
      ['A', '1'],
      ['B', '2'],
    ]);
  });

  it('shows public metadata to every canister, private metadata to controllers', () => {
    const marked = withCustomSection(
      withCustomSection(keeper, 'icp:public open', 'for all'),
      'icp:private closed',
      'for some',
    );
    const read = (name: string): unknown =>
      manageBy<{ value: Uint8Array }>(subnet, caller, 'canister_metadata', {
        canister_id: principalOf(id),
        name,
      });
    const refusal = (text: RegExp): object => ({
      code: 4,
      text: expect.stringMatching(text) as string,
    });
    expect(read('open')).toMatchObject(refusal(/^The canister .* has no Wasm module/));
    subnet.install(id, marked);
    expect(read('open')).toEqual({ value: Uint8Array.from(Buffer.from('for all')) });
    const hidden = /^The canister .* has no metadata section with the name closed\.$/;
    expect(read('closed')).toMatchObject(refusal(hidden));
    settings(id, { controllers: [principalOf(caller)] });
    expect(read('closed')).toEqual({ value: Uint8Array.from(Buffer.from('for some')) });
  });

  describe('refuses', () => {
    const raw = (method: string, arg: Uint8Array): unknown =>
      decodeForwarded(subnet.call(caller, 'forward', forwardTo('', method, 50n, arg)).answer);
    const KeyId = (field: string, name: string): IDL.Type =>
      IDL.Record({
        key_id: IDL.Record({ [field]: IDL.Variant({ [name]: IDL.Null }), name: IDL.Text }),
      });
    const key = (field: string, name: string): Uint8Array =>
      Uint8Array.from(
        IDL.encode([KeyId(field, name)], [{ key_id: { [field]: { [name]: null }, name: 'k' } }]),
      );

    it.each([
      ['sign_with_ecdsa', key('curve', 'secp256k1'), 'ecdsa:Secp256k1:k'],
      ['ecdsa_public_key', key('curve', 'secp256k1'), 'ecdsa:Secp256k1:k'],
      ['sign_with_schnorr', key('algorithm', 'ed25519'), 'schnorr:Ed25519:k'],
      ['schnorr_public_key', key('algorithm', 'bip340secp256k1'), 'schnorr:Bip340Secp256k1:k'],
      ['vetkd_derive_key', key('curve', 'bls12_381_g2'), 'vetkd:Bls12_381_G2:k'],
      ['vetkd_public_key', key('curve', 'bls12_381_g2'), 'vetkd:Bls12_381_G2:k'],
    ] as const)('%s: no such key here, and gives the cycles back', (method, arg, name) => {
      const total = subnet.totalCycles();
      expect(raw(method, arg)).toMatchObject({
        code: 3,
        text: expect.stringMatching(
          new RegExp(
            `Unable to route management canister request ${method}: ChainKeyError\\("Requested unknown (or disabled )?threshold key: ${name}, existing (enabled )?keys: \\[\\]"\\)`,
          ),
        ) as string,
      });
      expect(subnet.totalCycles()).toBe(total);
    });

    it.each([
      ['http_request', 5, 'This API is not enabled on this subnet'],
      ['bitcoin_get_balance', 4, 'No bitcoin canisters available.'],
      ['no_such_method', 5, "Management canister has no method 'no_such_method'"],
    ] as const)('%s', (method, code, text) => {
      expect(raw(method, NO_BYTES)).toMatchObject({
        code,
        text: expect.stringContaining(text) as string,
      });
    });

    it.each([
      'canister_info',
      'canister_metadata',
      'node_metrics_history',
      'subnet_info',
      'create_canister',
      'deposit_cycles',
      'raw_rand',
      'sign_with_ecdsa',
      'http_request',
    ])('%s from users', (method) => {
      const text = `IC0406: Only canisters can call ic00 method ${method}`;
      expect(subnet.inspect(MANAGEMENT_CANISTER_ID, method)).toBe(text);
      const message = subnet.ingress(MANAGEMENT_CANISTER_ID, method, NO_BYTES);
      subnet.round([{ ...message, effectiveCanisterId: id }]);
      expect(subnet.answerOf(message)).toBe(text);
    });

    it.each([
      'install_chunked_code',
      'upload_chunk',
      'stored_chunks',
      'clear_chunk_store',
      'take_canister_snapshot',
      'load_canister_snapshot',
      'list_canister_snapshots',
      'delete_canister_snapshot',
      'read_canister_snapshot_metadata',
      'read_canister_snapshot_data',
      'upload_canister_snapshot_metadata',
      'upload_canister_snapshot_data',
      'canister_metrics',
      'update_settings',
    ] as const)('%s from who is no controller', (method) => {
      settings(id, { controllers: [principalOf(caller)] });
      const field = method === 'install_chunked_code' ? 'target_canister' : 'canister_id';
      const arg = Uint8Array.from(
        IDL.encode([IDL.Record({ [field]: IDL.Principal })], [{ [field]: principalOf(id) }]),
      );
      expect(subnet.inspect(MANAGEMENT_CANISTER_ID, method, arg)).toMatch(
        new RegExp(`^IC0512: Only controllers of canister .* can call ic00 method ${method}$`),
      );
      expect(subnet.inspect(MANAGEMENT_CANISTER_ID, method)).toBe(
        `IC0408: Failed to decode payload for ic00 method: ${method}`,
      );
      const message = subnet.ingress(MANAGEMENT_CANISTER_ID, method, arg);
      subnet.round([{ ...message, effectiveCanisterId: id }]);
      expect(subnet.answerOf(message)).toMatch(/^IC0512: /);
    });

    it('a canister that deletes itself, and an unknown one', () => {
      settings(caller, { controllers: [principalOf(caller), principalOf('04')] });
      expect(
        manageBy(subnet, caller, 'delete_canister', { canister_id: principalOf(caller) }),
      ).toMatchObject({
        text: expect.stringMatching(/^Canister .* cannot delete itself/) as string,
      });
      const gone = manageBy(subnet, caller, 'canister_info', {
        canister_id: principalOf('00000000000fffff0101'),
        num_requested_changes: [],
      });
      expect(
        manageBy(subnet, caller, 'stop_canister', {
          canister_id: principalOf('00000000000fffff0101'),
        }),
      ).toMatchObject({
        text: expect.stringMatching(/^Canister .* not found\.\nCheck the ICP dashboard/) as string,
      });
      expect(gone).toMatchObject({
        code: 3,
        text: expect.stringMatching(/^Canister .* not found\.$/) as string,
      });
    });
  });

  it('answers status, metrics and logs as queries to whom the settings let see them', () => {
    subnet.install(id, keeper);
    subnet.call(id, 'bump');
    const ask = (method: 'canister_status' | 'canister_metrics' | 'fetch_canister_logs'): string =>
      subnet.answerTo(
        MANAGEMENT_CANISTER_ID,
        method,
        encodeArgument(method, { canister_id: principalOf(id) }),
      );
    for (const method of ['canister_status', 'canister_metrics', 'fetch_canister_logs'] as const) {
      expect(ask(method)).toMatch(/^DIDL/);
    }
    expect(ask('fetch_canister_logs')).toContain('bumped');
    settings(id, { controllers: [principalOf(caller)] });
    expect(ask('canister_status')).toMatch(/^IC0542/);
    expect(ask('canister_metrics')).toMatch(/^IC0512/);
    expect(ask('fetch_canister_logs')).toMatch(
      /^IC0406: Caller 2vxsx-fae is not allowed to access canister logs$/,
    );
    expect(subnet.answerTo(MANAGEMENT_CANISTER_ID, 'list_canisters')).toMatch(/^IC0410/);
    expect(subnet.answerTo(MANAGEMENT_CANISTER_ID, 'canister_info')).toMatch(/^IC0536/);
  });
});
