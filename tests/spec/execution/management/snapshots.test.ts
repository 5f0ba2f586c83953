import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeCheckpoint } from '../../../../src/protocol/state-manager/checkpoint.ts';
import { restoreCheckpoint } from '../../../../src/protocol/state-manager/restore-checkpoint.ts';
import { bytesToHex } from '../../../../src/base/hex.ts';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { CALLER_WAT } from '../../../support/caller-wat.ts';
import { KEEPER_WAT } from '../../../support/keeper-wat.ts';
import {
  manage,
  manageBy,
  principalOf,
  someSettings,
} from '../../../support/management-interface.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

interface Snapshot {
  readonly id: Uint8Array;
  readonly taken_at_timestamp: bigint;
  readonly total_size: bigint;
}
interface Metadata {
  readonly globals: readonly Record<string, unknown>[];
  readonly wasm_module_size: bigint;
  readonly wasm_memory_size: bigint;
  readonly stable_memory_size: bigint;
  readonly certified_data: Uint8Array;
  readonly canister_version: bigint;
  readonly source: object;
  readonly global_timer: readonly object[];
  readonly on_low_wasm_memory_hook_status: readonly object[];
  readonly wasm_chunk_store: readonly { readonly hash: Uint8Array }[];
}

const PAGE = 65_536n;
const NOTHING_REPLACED = { replace_snapshot: [], uninstall_code: [] };

describe('snapshots of a canister', () => {
  let wasm: Uint8Array;
  let caller: Uint8Array;
  let vector: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;

  beforeAll(async () => {
    wasm = await compileWat(KEEPER_WAT);
    caller = await compileWat(CALLER_WAT);
    vector = await compileWat(`(module
      (global (export "v") v128 (v128.const i64x2 -1 2))
      (global $kept (mut v128) (v128.const i64x2 3 4))
      (global (mut i32) (i32.const 5))
      (func (export "canister_update swap")
        (global.set $kept (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7
          (global.get $kept) (global.get $kept)))))`);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.createWith(wasm);
  });

  const bump = (canisterId = id): void => {
    expect(subnet.call(canisterId, 'bump').answer).toBe('');
  };
  const state = (canisterId = id): number[] => [...subnet.query(canisterId, 'state')];
  const take = (argument: object = {}): Snapshot =>
    manage<Snapshot>(subnet, id, 'take_canister_snapshot', {
      ...NOTHING_REPLACED,
      ...argument,
    }) as Snapshot;
  const load = (snapshot: Uint8Array, canisterId = id): unknown =>
    manage(subnet, canisterId, 'load_canister_snapshot', { snapshot_id: snapshot });
  const read = (snapshot: Uint8Array, kind: object): { chunk: Uint8Array } | string =>
    manage<{ chunk: Uint8Array }>(subnet, id, 'read_canister_snapshot_data', {
      snapshot_id: snapshot,
      kind,
    });
  const chunkOf = (answer: { chunk: Uint8Array } | string): Uint8Array => {
    if (typeof answer === 'string') {
      throw new Error(answer);
    }
    return answer.chunk;
  };
  const metadata = (snapshot: Uint8Array): Metadata =>
    manage<Metadata>(subnet, id, 'read_canister_snapshot_metadata', {
      snapshot_id: snapshot,
    }) as Metadata;

  it('brings heap, stable memory, globals and certified data back, and the version on', () => {
    bump();
    const { id: snapshot, total_size } = take();
    expect(bytesToHex(snapshot)).toBe(`${'0'.repeat(16)}${id}`);
    expect(total_size).toBe(5n * PAGE + 3n * 8n + BigInt(wasm.length) + 1n);
    bump();
    bump();
    expect(state()).toEqual([3, 3, 3]);
    const { version } = subnet.canister(id);
    expect(load(snapshot)).toBeUndefined();
    expect(state()).toEqual([1, 1, 1]);
    const loaded = subnet.canister(id);
    expect([...loaded.certifiedData]).toEqual([1]);
    expect(loaded.version).toBe(version + 1n);
    expect(loaded.lastInstallNs).toBe(subnet.state.timeNs);
    bump();
    expect(state()).toEqual([2, 2, 2]);
    expect(load(snapshot)).toBeUndefined();
    expect(state()).toEqual([1, 1, 1]);
  });

  it('shares every page with the canister, and is told in the status', () => {
    bump();
    const { id: snapshot, total_size } = take();
    const { snapshots, execution } = subnet.canister(id);
    expect(snapshots[0]?.heap).toBe(execution?.heap);
    expect(snapshots[0]?.stable).toBe(execution?.stable);
    expect(snapshots[0]?.wasm).toBe(execution?.wasm);
    const metrics = (): unknown =>
      manage<{ memory_metrics: { snapshots_size: bigint } }>(subnet, id, 'canister_status');
    expect(metrics()).toMatchObject({ memory_metrics: { snapshots_size: total_size } });
    expect(manage(subnet, id, 'delete_canister_snapshot', { snapshot_id: snapshot })).toBe(
      undefined,
    );
    expect(metrics()).toMatchObject({ memory_metrics: { snapshots_size: 0n } });
    expect(load(snapshot)).toMatch(
      /^IC0305: Could not find the snapshot ID 0000000000000000\w+ for canister .*\.\nUse the `list_canister_snapshot` API/,
    );
  });

  it('charges for instructions and bytes', () => {
    const { cycles } = subnet.canister(id);
    const { total_size } = take();
    const fee = ((5_000_000n + 2_000_000_000n + total_size) * 4n) / 13n;
    const paid = cycles - subnet.canister(id).cycles;
    expect(paid).toBeGreaterThanOrEqual(fee);
    expect(paid).toBeLessThan(fee + 1_000_000n);
    expect(subnet.imbalance).toBe(0n);
  });

  it('keeps ten, replaces one, and uninstalls if asked to', () => {
    const ids = Array.from({ length: 10 }, () => take().id);
    expect(take()).toMatch(
      /^IC0406: Canister .* has reached the maximum number of snapshots allowed: 10\.\n/,
    );
    const replaced = take({ replace_snapshot: [ids[4]], uninstall_code: [true] });
    expect(bytesToHex(replaced.id)).toBe(`${'0'.repeat(15)}a${id}`);
    const list = manage<Snapshot[]>(subnet, id, 'list_canister_snapshots') as Snapshot[];
    expect(list.map((entry) => bytesToHex(entry.id).slice(0, 16))).toEqual(
      [0, 1, 2, 3, 5, 6, 7, 8, 9, 10].map((n) => n.toString(16).padStart(16, '0')),
    );
    expect(subnet.canister(id).execution).toBeNull();
    expect(subnet.canister(id).changes.at(-1)?.details.kind).toBe('codeUninstall');
    expect(take({ replace_snapshot: [ids[0]] })).toMatch(
      /^IC0406: Failed to create snapshot for empty canister/,
    );
    expect(load(replaced.id)).toBeUndefined();
    expect(state()).toEqual([0, 0, 0]);
  });

  it('loads onto another canister of the same controller, and says so in its history', () => {
    bump();
    const { id: snapshot } = take();
    const other = subnet.create();
    expect(load(snapshot, other)).toBeUndefined();
    bump(other);
    expect(state(other)).toEqual([2, 2, 2]);
    expect(state()).toEqual([1, 1, 1]);
    expect(subnet.canister(other).changes.at(-1)).toMatchObject({
      origin: { kind: 'user', userId: '04' },
      details: {
        kind: 'loadSnapshot',
        snapshotId: bytesToHex(snapshot),
        source: 'takenFromCanister',
        fromCanisterId: id,
      },
    });
    expect(manage(subnet, other, 'delete_canister_snapshot', { snapshot_id: snapshot })).toMatch(
      /^IC0406: The snapshot .* does not belong to canister/,
    );
    manage(subnet, id, 'update_settings', {
      settings: someSettings({ controllers: [principalOf('abcdef01')] }),
    });
    expect(load(snapshot, other)).toMatch(
      /^IC0406: Only a controller of the canister that snapshot .* belongs to can load it on canister/,
    );
  });

  it('lists vectors, and takes the list back with the module', () => {
    id = subnet.createWith(vector);
    subnet.call(id, 'swap');
    const { globals, ...facts } = metadata(take().id);
    const lanes = (2n << 64n) | 0xffff_ffff_ffff_ffffn;
    const swapped = (3n << 64n) | 4n;
    expect(globals).toEqual([{ v128: lanes }, { v128: swapped }, { i32: 5 }]);
    const upload = (list: readonly object[]): unknown => {
      const made = manage<{ snapshot_id: Uint8Array }>(
        subnet,
        id,
        'upload_canister_snapshot_metadata',
        { ...facts, globals: list, replace_snapshot: [] },
      );
      if (typeof made === 'string') {
        return made;
      }
      const { snapshot_id } = made;
      manage(subnet, id, 'upload_canister_snapshot_data', {
        snapshot_id,
        kind: { wasm_module: { offset: 0n } },
        chunk: vector,
      });
      const checkpoint = makeCheckpoint(subnet.state);
      const restored = restoreCheckpoint(checkpoint.hash, checkpoint.encodedManifest, {
        chunk: (hash) => checkpoint.chunk(hash),
        isVerified: false,
      });
      expect(restored.ok && makeCheckpoint(restored.value.state).hash).toBe(checkpoint.hash);
      return load(snapshot_id);
    };
    const most = (1n << 128n) - 1n;
    expect(upload([{ v128: lanes }, { v128: most }, { i32: 6 }])).toBeUndefined();
    const i32 = { type: 'i32', bits: 6n };
    expect(subnet.canister(id).execution?.globals).toEqual([{ type: 'v128', bits: most }, i32]);
    expect(upload([{ i64: 1n }, { v128: 1n }, { i32: 6 }])).toMatch(/^IC0408/);
    expect(upload([{ v128: 1n }, { i64: 1n }, { i32: 6 }])).toMatch(/^IC0408/);
    expect(upload([{ v128: lanes }, { v128: 1n << 128n }, { i32: 6 }])).toMatch(/^IC0408: /);
  });

  it('goes out and in again in parts, to the same content', () => {
    bump();
    bump();
    expect(manage(subnet, id, 'upload_chunk', { chunk: Uint8Array.of(1, 2, 3) })).toBeDefined();
    const taken = take();
    const facts = metadata(taken.id);
    expect(facts).toMatchObject({
      source: { taken_from_canister: null },
      globals: [{ i32: 2 }, { f64: 0.5 }, { i64: -2n }],
      wasm_module_size: BigInt(wasm.length),
      wasm_memory_size: 2n * PAGE,
      stable_memory_size: 3n * PAGE,
      certified_data: Uint8Array.of(2),
      global_timer: [{ inactive: null }],
      on_low_wasm_memory_hook_status: [{ condition_not_satisfied: null }],
    });
    const { snapshot_id: made } = manage<{ snapshot_id: Uint8Array }>(
      subnet,
      id,
      'upload_canister_snapshot_metadata',
      { ...facts, replace_snapshot: [] },
    ) as { snapshot_id: Uint8Array };
    const copy = (part: string, size: bigint): void => {
      const half = size / 2n;
      for (const [offset, length] of [
        [0n, half],
        [half, size - half],
      ] as const) {
        const chunk = chunkOf(read(taken.id, { [part]: { offset, size: length } }));
        const sent = manage(subnet, id, 'upload_canister_snapshot_data', {
          snapshot_id: made,
          kind: { [part]: { offset } },
          chunk,
        });
        expect(sent).toBeUndefined();
      }
    };
    copy('wasm_module', facts.wasm_module_size);
    copy('wasm_memory', facts.wasm_memory_size);
    copy('stable_memory', facts.stable_memory_size);
    const chunk = chunkOf(read(taken.id, { wasm_chunk: facts.wasm_chunk_store[0] ?? {} }));
    manage(subnet, id, 'upload_canister_snapshot_data', {
      snapshot_id: made,
      kind: { wasm_chunk: null },
      chunk,
    });
    bump();
    expect(load(made)).toBeUndefined();
    expect(state()).toEqual([2, 2, 2]);
    expect(metadata(made).wasm_chunk_store).toEqual(facts.wasm_chunk_store);
    expect(subnet.canister(id).changes.at(-1)).toMatchObject({
      details: { source: 'metadataUpload', fromCanisterId: null },
    });
    bump();
    expect(state()).toEqual([3, 3, 3]);
    expect(
      manage(subnet, id, 'upload_canister_snapshot_data', {
        snapshot_id: taken.id,
        kind: { wasm_chunk: null },
        chunk,
      }),
    ).toBe('IC0409: Only canister snapshots created by metadata upload can be mutated.');
  });

  it('refuses slices outside of the snapshot, and too large ones', () => {
    const { id: snapshot } = take();
    expect(read(snapshot, { wasm_memory: { offset: 2n * PAGE - 1n, size: 2n } })).toBe(
      `IC0408: Invalid subslice into wasm module / main memory / stable memory: offset: ${2n * PAGE - 1n}, size: 2`,
    );
    expect(read(snapshot, { wasm_module: { offset: 0n, size: 2_000_001n } })).toBe(
      'IC0408: Requested slice too large: 2000001 > 2000000',
    );
    expect(read(snapshot, { stable_memory: { offset: (1n << 64n) - 1n, size: 1n } })).toMatch(
      /^IC0408: Invalid subslice/,
    );
  });

  it('does not load an upload that does not fit its module', () => {
    bump();
    const facts = metadata(take().id);
    const upload = (change: object, withModule = true): unknown => {
      const made = manage<{ snapshot_id: Uint8Array }>(
        subnet,
        id,
        'upload_canister_snapshot_metadata',
        { ...facts, replace_snapshot: [], ...change },
      );
      if (typeof made === 'string') {
        return made;
      }
      const { snapshot_id } = made;
      if (withModule) {
        manage(subnet, id, 'upload_canister_snapshot_data', {
          snapshot_id,
          kind: { wasm_module: { offset: 0n } },
          chunk: wasm,
        });
      }
      return load(snapshot_id);
    };
    const before = subnet.canister(id).execution;
    expect(upload({ globals: [{ i32: 1 }] })).toBe(
      'IC0408: Wasm exported globals of canister module and snapshot metadata do not match.',
    );
    expect(upload({ globals: [{ i64: 1n }, { f64: 0.5 }, { i64: 1n }] })).toMatch(/^IC0408/);
    expect(upload({ wasm_memory_size: PAGE })).toMatch(/^IC0408: Wasm memory of 1 pages/);
    expect(upload({ wasm_memory_size: PAGE + 1n })).toMatch(
      /^IC0408: Snapshot Metadata contains invalid data/,
    );
    expect(upload({ on_low_wasm_memory_hook_status: [{ ready: null }] })).toBe(
      "IC0408: Hook status (Some(Ready)) of uploaded snapshot is inconsistent with the canister's state (hook condition satisfied: false).",
    );
    expect(upload({}, false)).toMatch(/^IC0505/);
    expect(subnet.canister(id).execution).toBe(before);
    expect(subnet.imbalance).toBe(0n);
  });

  it('is seen by whom the settings name', () => {
    const viewer = subnet.createWith(caller);
    const { id: snapshot } = take();
    const asViewer = (method: 'list_canister_snapshots'): unknown =>
      manageBy(subnet, viewer, method, { canister_id: principalOf(id) });
    expect(asViewer('list_canister_snapshots')).toMatchObject({
      code: 5,
      text: expect.stringMatching(/^Only the controllers of the canister/) as string,
    });
    const setVisibility = (visibility: object): void => {
      manage(subnet, id, 'update_settings', {
        settings: someSettings({ snapshot_visibility: visibility }),
      });
    };
    setVisibility({ allowed_viewers: [principalOf(viewer)] });
    expect(asViewer('list_canister_snapshots')).toMatchObject([{ id: snapshot }]);
    setVisibility({ allowed_viewers: [] });
    expect(asViewer('list_canister_snapshots')).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^Caller .* is not allowed to access/) as string,
    });
  });

  it('freezes nobody: a canister that could not pay for the memory keeps what it has', () => {
    const status = manage<{ cycles: bigint; idle_cycles_burned_per_day: bigint }>(
      subnet,
      id,
      'canister_status',
    ) as { cycles: bigint; idle_cycles_burned_per_day: bigint };
    const days = (status.cycles * 3n) / (status.idle_cycles_burned_per_day * 4n);
    manage(subnet, id, 'update_settings', {
      settings: someSettings({ freezing_threshold: days * 86_400n }),
    });
    expect(take()).toMatch(/^IC0532: Canister cannot grow memory by \d+ bytes due to insufficient/);
    expect(subnet.canister(id).snapshots).toEqual([]);
  });

  it('is part of checkpoints: a node that restores one has it, byte for byte', () => {
    bump();
    manage(subnet, id, 'upload_chunk', { chunk: new Uint8Array(5000).fill(7) });
    take();
    bump();
    const checkpoint = makeCheckpoint(subnet.state);
    const files = checkpoint.manifest.files.map(({ path }) => path);
    const folder = `snapshots/${id}/${'0'.repeat(16)}${id}`;
    expect(files).toEqual([...files].sort());
    expect(files).toEqual(
      expect.arrayContaining([
        `canister_states/${id}/wasm_chunk_store.bin`,
        `${folder}/snapshot.cbor`,
        `${folder}/vmemory_0.bin`,
        `${folder}/wasm_chunk_store.bin`,
      ]),
    );
    const restored = restoreCheckpoint(checkpoint.hash, checkpoint.encodedManifest, {
      chunk: (hash) => checkpoint.chunk(hash),
      isVerified: false,
    });
    if (!restored.ok) {
      throw new Error(restored.error.message);
    }
    expect(makeCheckpoint(restored.value.state).hash).toBe(checkpoint.hash);
    const other = new TestSubnet();
    other.state = restored.value.state;
    other.adoptMessageCounter(subnet);
    const snapshot = other.canister(id).snapshots[0];
    expect(snapshot?.chunkStore.chunks).toHaveLength(1);
    const loaded = manage(other, id, 'load_canister_snapshot', {
      snapshot_id: Buffer.from(`${'0'.repeat(16)}${id}`, 'hex'),
    });
    expect(loaded).toBeUndefined();
    expect([...other.query(id, 'state')]).toEqual([1, 1, 1]);
  });
});
