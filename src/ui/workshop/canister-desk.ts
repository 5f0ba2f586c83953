import { Actor, type HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';

/** What a controller may ask and do about a canister, through the management canister. */

export interface CanisterStatus {
  readonly status: 'running' | 'stopping' | 'stopped';
  readonly version: bigint;
  /** Principals as text. */
  readonly controllers: readonly string[];
  readonly cycles: bigint;
  readonly reservedCycles: bigint;
  readonly idleCyclesPerDay: bigint;
  /** The balance below which the canister is frozen. */
  readonly freezingLimit: bigint;
  readonly freezingThresholdSeconds: bigint;
  /** Bytes by kind, in the order in which people ask; kinds that take nothing are there too. */
  readonly memory: readonly (readonly [kind: string, bytes: bigint])[];
  readonly memoryBytes: bigint;
  readonly computeAllocation: bigint;
  readonly memoryAllocation: bigint;
  readonly reservedCyclesLimit: bigint;
  readonly wasmMemoryLimit: bigint;
  readonly logVisibility: string;
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly queryCalls: bigint;
}

export interface Snapshot {
  /** Hex. */
  readonly id: string;
  readonly takenAtNs: bigint;
  readonly bytes: bigint;
}

/** Each method throws the agent's error. */
export interface CanisterDesk {
  /** A query: one node answers. */
  status(canisterId: string): Promise<CanisterStatus>;
  snapshots(canisterId: string): Promise<readonly Snapshot[]>;
  takeSnapshot(canisterId: string): Promise<void>;
  /** Puts the canister back to what it was. */
  loadSnapshot(canisterId: string, snapshotId: string): Promise<void>;
  deleteSnapshot(canisterId: string, snapshotId: string): Promise<void>;
}

const SECONDS_PER_DAY = 86_400n;
const Blob = IDL.Vec(IDL.Nat8);
const CanisterIdRecord = IDL.Record({ canister_id: IDL.Principal });
const SnapshotIdRecord = IDL.Record({ canister_id: IDL.Principal, snapshot_id: Blob });
const SnapshotRecord = IDL.Record({
  id: Blob,
  taken_at_timestamp: IDL.Nat64,
  total_size: IDL.Nat64,
});

const MEMORY_KINDS = [
  ['heap', 'wasm_memory_size'],
  ['stable', 'stable_memory_size'],
  ['globals', 'global_memory_size'],
  ['module', 'wasm_binary_size'],
  ['custom sections', 'custom_sections_size'],
  ['history', 'canister_history_size'],
  ['chunk store', 'wasm_chunk_store_size'],
  ['snapshots', 'snapshots_size'],
] as const;

const StatusRecord = IDL.Record({
  status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
  version: IDL.Nat64,
  settings: IDL.Record({
    controllers: IDL.Vec(IDL.Principal),
    compute_allocation: IDL.Nat,
    memory_allocation: IDL.Nat,
    freezing_threshold: IDL.Nat,
    reserved_cycles_limit: IDL.Nat,
    wasm_memory_limit: IDL.Nat,
    log_visibility: IDL.Variant({
      controllers: IDL.Null,
      public: IDL.Null,
      allowed_viewers: IDL.Vec(IDL.Principal),
    }),
    environment_variables: IDL.Vec(IDL.Record({ name: IDL.Text, value: IDL.Text })),
  }),
  memory_size: IDL.Nat,
  memory_metrics: IDL.Record(
    Object.fromEntries(MEMORY_KINDS.map(([, field]) => [field, IDL.Nat] as const)),
  ),
  cycles: IDL.Nat,
  reserved_cycles: IDL.Nat,
  idle_cycles_burned_per_day: IDL.Nat,
  query_stats: IDL.Record({ num_calls_total: IDL.Nat }),
});

interface RawStatus {
  readonly status: Readonly<Record<string, null>>;
  readonly version: bigint;
  readonly settings: {
    readonly controllers: readonly Principal[];
    readonly compute_allocation: bigint;
    readonly memory_allocation: bigint;
    readonly freezing_threshold: bigint;
    readonly reserved_cycles_limit: bigint;
    readonly wasm_memory_limit: bigint;
    readonly log_visibility: Readonly<Record<string, unknown>>;
    readonly environment_variables: readonly { readonly name: string; readonly value: string }[];
  };
  readonly memory_size: bigint;
  readonly memory_metrics: Readonly<Record<string, bigint>>;
  readonly cycles: bigint;
  readonly reserved_cycles: bigint;
  readonly idle_cycles_burned_per_day: bigint;
  readonly query_stats: { readonly num_calls_total: bigint };
}

interface DeskActor {
  canister_status(arg: object): Promise<RawStatus>;
  list_canister_snapshots(
    arg: object,
  ): Promise<readonly { id: Uint8Array; taken_at_timestamp: bigint; total_size: bigint }[]>;
  take_canister_snapshot(arg: object): Promise<unknown>;
  load_canister_snapshot(arg: object): Promise<void>;
  delete_canister_snapshot(arg: object): Promise<void>;
}

function deskInterface(): IDL.ServiceClass {
  return IDL.Service({
    canister_status: IDL.Func([CanisterIdRecord], [StatusRecord], ['query']),
    list_canister_snapshots: IDL.Func([CanisterIdRecord], [IDL.Vec(SnapshotRecord)], []),
    take_canister_snapshot: IDL.Func([CanisterIdRecord], [SnapshotRecord], []),
    load_canister_snapshot: IDL.Func([SnapshotIdRecord], [], []),
    delete_canister_snapshot: IDL.Func([SnapshotIdRecord], [], []),
  });
}

export function createCanisterDesk(agent: HttpAgent): CanisterDesk {
  const actor = (canisterId: Principal): DeskActor =>
    Actor.createActor<DeskActor & Record<never, never>>(deskInterface, {
      agent,
      canisterId: Principal.managementCanister(),
      effectiveTarget: { canisterId },
    });
  const about = <T>(
    text: string,
    ask: (desk: DeskActor, arg: object) => Promise<T>,
  ): Promise<T> => {
    const canisterId = Principal.fromText(text);
    return ask(actor(canisterId), { canister_id: canisterId });
  };
  const named = (snapshotId: string): { snapshot_id: Uint8Array } => ({
    snapshot_id: hexToBytes(snapshotId) ?? new Uint8Array(0),
  });
  return {
    status: async (id) => statusOf(await about(id, (desk, arg) => desk.canister_status(arg))),
    snapshots: async (id) => {
      const listed = await about(id, (desk, arg) => desk.list_canister_snapshots(arg));
      return listed.map(({ id: bytes, taken_at_timestamp: takenAtNs, total_size }) => ({
        id: bytesToHex(bytes),
        takenAtNs,
        bytes: total_size,
      }));
    },
    takeSnapshot: async (id) => {
      await about(id, (desk, arg) => desk.take_canister_snapshot(arg));
    },
    loadSnapshot: (id, snapshotId) =>
      about(id, (desk, arg) => desk.load_canister_snapshot({ ...arg, ...named(snapshotId) })),
    deleteSnapshot: (id, snapshotId) =>
      about(id, (desk, arg) => desk.delete_canister_snapshot({ ...arg, ...named(snapshotId) })),
  };
}

function statusOf(raw: RawStatus): CanisterStatus {
  const { settings } = raw;
  const perDay = raw.idle_cycles_burned_per_day;
  const limit = (perDay * settings.freezing_threshold) / SECONDS_PER_DAY - raw.reserved_cycles;
  return {
    status: Object.keys(raw.status)[0] as CanisterStatus['status'],
    version: raw.version,
    controllers: settings.controllers.map((controller) => controller.toText()),
    cycles: raw.cycles,
    reservedCycles: raw.reserved_cycles,
    idleCyclesPerDay: perDay,
    freezingLimit: limit > 0n ? limit : 0n,
    freezingThresholdSeconds: settings.freezing_threshold,
    memory: MEMORY_KINDS.map(([kind, field]) => [kind, raw.memory_metrics[field] ?? 0n] as const),
    memoryBytes: raw.memory_size,
    computeAllocation: settings.compute_allocation,
    memoryAllocation: settings.memory_allocation,
    reservedCyclesLimit: settings.reserved_cycles_limit,
    wasmMemoryLimit: settings.wasm_memory_limit,
    logVisibility: Object.keys(settings.log_visibility)[0] ?? '',
    environment: settings.environment_variables.map(({ name, value }) => [name, value] as const),
    queryCalls: raw.query_stats.num_calls_total,
  };
}
