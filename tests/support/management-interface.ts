import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { MANAGEMENT_CANISTER_ID } from '../../src/protocol/crypto/principal.ts';
import { principalToBytes } from '../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { decodeForwarded, forwardTo } from './caller-wat.ts';
import type { TestSubnet } from './test-subnet.ts';

/** The management canister as interface spec 0.66 has it, typed by hand from its `ic.did`. */

const Blob = IDL.Vec(IDL.Nat8);
const Visibility = IDL.Variant({
  controllers: IDL.Null,
  public: IDL.Null,
  allowed_viewers: IDL.Vec(IDL.Principal),
});
const Variables = IDL.Vec(IDL.Record({ name: IDL.Text, value: IDL.Text }));
const Settings = IDL.Record({
  controllers: IDL.Opt(IDL.Vec(IDL.Principal)),
  compute_allocation: IDL.Opt(IDL.Nat),
  memory_allocation: IDL.Opt(IDL.Nat),
  freezing_threshold: IDL.Opt(IDL.Nat),
  reserved_cycles_limit: IDL.Opt(IDL.Nat),
  minimum_incoming_canister_call_cycles: IDL.Opt(IDL.Nat),
  log_visibility: IDL.Opt(Visibility),
  snapshot_visibility: IDL.Opt(Visibility),
  status_visibility: IDL.Opt(Visibility),
  wasm_memory_limit: IDL.Opt(IDL.Nat),
  wasm_memory_threshold: IDL.Opt(IDL.Nat),
  environment_variables: IDL.Opt(Variables),
});
const DefiniteSettings = IDL.Record({
  controllers: IDL.Vec(IDL.Principal),
  compute_allocation: IDL.Nat,
  memory_allocation: IDL.Nat,
  freezing_threshold: IDL.Nat,
  reserved_cycles_limit: IDL.Nat,
  minimum_incoming_canister_call_cycles: IDL.Nat,
  log_visibility: Visibility,
  snapshot_visibility: Visibility,
  status_visibility: Visibility,
  wasm_memory_limit: IDL.Nat,
  wasm_memory_threshold: IDL.Nat,
  environment_variables: Variables,
});
const Mode = IDL.Variant({
  install: IDL.Null,
  reinstall: IDL.Null,
  upgrade: IDL.Opt(
    IDL.Record({
      skip_pre_upgrade: IDL.Opt(IDL.Bool),
      wasm_memory_persistence: IDL.Opt(IDL.Variant({ keep: IDL.Null, replace: IDL.Null })),
    }),
  ),
});
const ChunkHash = IDL.Record({ hash: Blob });
const Version = IDL.Opt(IDL.Nat64);
const Target = IDL.Record({ canister_id: IDL.Principal });
const Snapshot = IDL.Record({ id: Blob, taken_at_timestamp: IDL.Nat64, total_size: IDL.Nat64 });
const SnapshotArgument = IDL.Record({ canister_id: IDL.Principal, snapshot_id: Blob });
const Globals = IDL.Vec(
  IDL.Variant({
    i32: IDL.Int32,
    i64: IDL.Int64,
    f32: IDL.Float32,
    f64: IDL.Float64,
    v128: IDL.Nat,
  }),
);
const Source = IDL.Variant({ taken_from_canister: IDL.Reserved, metadata_upload: IDL.Reserved });
const snapshotFields = {
  wasm_module_size: IDL.Nat64,
  globals: Globals,
  wasm_memory_size: IDL.Nat64,
  stable_memory_size: IDL.Nat64,
  certified_data: Blob,
  global_timer: IDL.Opt(IDL.Variant({ inactive: IDL.Null, active: IDL.Nat64 })),
  on_low_wasm_memory_hook_status: IDL.Opt(
    IDL.Variant({ condition_not_satisfied: IDL.Null, ready: IDL.Null, executed: IDL.Null }),
  ),
};
const Slice = IDL.Record({ offset: IDL.Nat64, size: IDL.Nat64 });
const Offset = IDL.Record({ offset: IDL.Nat64 });
const Status = IDL.Record({
  status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
  ready_for_migration: IDL.Bool,
  version: IDL.Nat64,
  settings: DefiniteSettings,
  module_hash: IDL.Opt(Blob),
  memory_size: IDL.Nat,
  memory_metrics: IDL.Record({
    wasm_memory_size: IDL.Nat,
    stable_memory_size: IDL.Nat,
    global_memory_size: IDL.Nat,
    wasm_binary_size: IDL.Nat,
    custom_sections_size: IDL.Nat,
    canister_history_size: IDL.Nat,
    wasm_chunk_store_size: IDL.Nat,
    snapshots_size: IDL.Nat,
  }),
  cycles: IDL.Nat,
  reserved_cycles: IDL.Nat,
  idle_cycles_burned_per_day: IDL.Nat,
  query_stats: IDL.Record({
    num_calls_total: IDL.Nat,
    num_instructions_total: IDL.Nat,
    request_payload_bytes_total: IDL.Nat,
    response_payload_bytes_total: IDL.Nat,
  }),
});
const Info = IDL.Record({
  total_num_changes: IDL.Nat64,
  recent_changes: IDL.Vec(
    IDL.Record({
      timestamp_nanos: IDL.Nat64,
      canister_version: IDL.Nat64,
      origin: IDL.Variant({
        from_user: IDL.Record({ user_id: IDL.Principal }),
        from_canister: IDL.Record({ canister_id: IDL.Principal, canister_version: Version }),
      }),
      details: IDL.Variant({
        creation: IDL.Record({
          controllers: IDL.Vec(IDL.Principal),
          environment_variables_hash: IDL.Opt(Blob),
        }),
        code_uninstall: IDL.Null,
        code_deployment: IDL.Record({
          mode: IDL.Variant({ install: IDL.Null, reinstall: IDL.Null, upgrade: IDL.Null }),
          module_hash: Blob,
        }),
        load_snapshot: IDL.Record({
          from_canister_id: IDL.Opt(IDL.Principal),
          snapshot_id: Blob,
          canister_version: IDL.Nat64,
          taken_at_timestamp: IDL.Nat64,
          source: Source,
        }),
        controllers_change: IDL.Record({ controllers: IDL.Vec(IDL.Principal) }),
      }),
    }),
  ),
  module_hash: IDL.Opt(Blob),
  controllers: IDL.Vec(IDL.Principal),
});

export const METHODS = {
  canister_status: IDL.Func([Target], [Status]),
  canister_metrics: IDL.Func(
    [Target],
    [
      IDL.Record({
        cycles_consumed: IDL.Record({ memory: IDL.Nat, instructions: IDL.Nat, uninstall: IDL.Nat }),
      }),
    ],
  ),
  canister_info: IDL.Func(
    [IDL.Record({ canister_id: IDL.Principal, num_requested_changes: IDL.Opt(IDL.Nat64) })],
    [Info],
  ),
  canister_metadata: IDL.Func(
    [IDL.Record({ canister_id: IDL.Principal, name: IDL.Text })],
    [IDL.Record({ value: Blob })],
  ),
  provisional_create_canister_with_cycles: IDL.Func(
    [
      IDL.Record({
        amount: IDL.Opt(IDL.Nat),
        settings: IDL.Opt(Settings),
        specified_id: IDL.Opt(IDL.Principal),
      }),
    ],
    [Target],
  ),
  update_settings: IDL.Func(
    [
      IDL.Record({
        canister_id: IDL.Principal,
        settings: Settings,
        sender_canister_version: Version,
      }),
    ],
    [],
  ),
  start_canister: IDL.Func([Target], []),
  stop_canister: IDL.Func([Target], []),
  delete_canister: IDL.Func([Target], []),
  uninstall_code: IDL.Func([Target], []),
  install_code: IDL.Func(
    [
      IDL.Record({
        mode: Mode,
        canister_id: IDL.Principal,
        wasm_module: Blob,
        arg: Blob,
        sender_canister_version: Version,
      }),
    ],
    [],
  ),
  upload_chunk: IDL.Func([IDL.Record({ canister_id: IDL.Principal, chunk: Blob })], [ChunkHash]),
  clear_chunk_store: IDL.Func([Target], []),
  stored_chunks: IDL.Func([Target], [IDL.Vec(ChunkHash)]),
  install_chunked_code: IDL.Func(
    [
      IDL.Record({
        mode: Mode,
        target_canister: IDL.Principal,
        store_canister: IDL.Opt(IDL.Principal),
        chunk_hashes_list: IDL.Vec(ChunkHash),
        wasm_module_hash: Blob,
        arg: Blob,
        sender_canister_version: Version,
      }),
    ],
    [],
  ),
  take_canister_snapshot: IDL.Func(
    [
      IDL.Record({
        canister_id: IDL.Principal,
        replace_snapshot: IDL.Opt(Blob),
        uninstall_code: IDL.Opt(IDL.Bool),
        sender_canister_version: Version,
      }),
    ],
    [Snapshot],
  ),
  load_canister_snapshot: IDL.Func(
    [
      IDL.Record({
        canister_id: IDL.Principal,
        snapshot_id: Blob,
        sender_canister_version: Version,
      }),
    ],
    [],
  ),
  list_canister_snapshots: IDL.Func([Target], [IDL.Vec(Snapshot)]),
  delete_canister_snapshot: IDL.Func([SnapshotArgument], []),
  read_canister_snapshot_metadata: IDL.Func(
    [SnapshotArgument],
    [
      IDL.Record({
        ...snapshotFields,
        source: Source,
        taken_at_timestamp: IDL.Nat64,
        wasm_chunk_store: IDL.Vec(ChunkHash),
        canister_version: IDL.Nat64,
      }),
    ],
  ),
  read_canister_snapshot_data: IDL.Func(
    [
      IDL.Record({
        canister_id: IDL.Principal,
        snapshot_id: Blob,
        kind: IDL.Variant({
          wasm_module: Slice,
          wasm_memory: Slice,
          stable_memory: Slice,
          wasm_chunk: ChunkHash,
        }),
      }),
    ],
    [IDL.Record({ chunk: Blob })],
  ),
  upload_canister_snapshot_metadata: IDL.Func(
    [
      IDL.Record({
        ...snapshotFields,
        canister_id: IDL.Principal,
        replace_snapshot: IDL.Opt(Blob),
      }),
    ],
    [IDL.Record({ snapshot_id: Blob })],
  ),
  upload_canister_snapshot_data: IDL.Func(
    [
      IDL.Record({
        canister_id: IDL.Principal,
        snapshot_id: Blob,
        kind: IDL.Variant({
          wasm_module: Offset,
          wasm_memory: Offset,
          stable_memory: Offset,
          wasm_chunk: IDL.Null,
        }),
        chunk: Blob,
      }),
    ],
    [],
  ),
  node_metrics_history: IDL.Func(
    [IDL.Record({ subnet_id: IDL.Principal, start_at_timestamp_nanos: IDL.Nat64 })],
    [
      IDL.Vec(
        IDL.Record({
          timestamp_nanos: IDL.Nat64,
          node_metrics: IDL.Vec(
            IDL.Record({
              node_id: IDL.Principal,
              num_blocks_proposed_total: IDL.Nat64,
              num_block_failures_total: IDL.Nat64,
            }),
          ),
        }),
      ),
    ],
  ),
  subnet_info: IDL.Func(
    [IDL.Record({ subnet_id: IDL.Principal })],
    [IDL.Record({ replica_version: IDL.Text, registry_version: IDL.Nat64 })],
  ),
  fetch_canister_logs: IDL.Func(
    [Target],
    [
      IDL.Record({
        canister_log_records: IDL.Vec(
          IDL.Record({ idx: IDL.Nat64, timestamp_nanos: IDL.Nat64, content: Blob }),
        ),
      }),
    ],
  ),
};
export type MethodName = keyof typeof METHODS;

/** Settings of which only the given ones are set. */
export function someSettings(given: Readonly<Record<string, unknown>>): object {
  const none = Settings._fields.map(([name]) => [name, []]);
  const some = Object.entries(given).map(([name, value]) => [name, [value]]);
  return Object.fromEntries([...none, ...some]) as object;
}

export function encodeArgument(method: MethodName, argument: object): Uint8Array {
  const { argTypes } = METHODS[method];
  const defaults = { sender_canister_version: [] };
  return Uint8Array.from(IDL.encode(argTypes, [{ ...defaults, ...argument }]));
}

export function decodeReply<T>(method: MethodName, reply: Uint8Array): T {
  return IDL.decode(METHODS[method].retTypes, reply)[0] as unknown as T;
}

export function principalOf(id: string): Principal {
  return Principal.fromUint8Array(principalToBytes(id as CanisterId));
}

/** Calls `aaaaa-aa` as the subnet's user: the reply, or "IC0…: …". */
export function manage<T = undefined>(
  subnet: TestSubnet,
  about: CanisterId,
  method: MethodName,
  argument: object = {},
): T | string {
  const target = method === 'install_chunked_code' ? 'target_canister' : 'canister_id';
  const arg = encodeArgument(method, { [target]: principalOf(about), ...argument });
  const message = subnet.ingress(MANAGEMENT_CANISTER_ID, method, arg);
  subnet.round([{ ...message, effectiveCanisterId: about }]);
  for (let rounds = 0; rounds < 20; rounds += 1) {
    const status = subnet.statusOf(message);
    if (status?.kind === 'replied') {
      return decodeReply<T>(method, Uint8Array.from(status.reply));
    }
    if (status?.kind === 'rejected') {
      break;
    }
    subnet.round();
  }
  return subnet.answerOf(message);
}

/** The same, by a canister with `CALLER_WAT`: the reply, or code and text of the reject. */
export function manageBy<T>(
  subnet: TestSubnet,
  caller: CanisterId,
  method: MethodName,
  argument: object,
): T | { readonly code: number; readonly text: string } {
  const arg = encodeArgument(method, argument);
  const { answer } = subnet.call(caller, 'forward', forwardTo('', method, 0n, arg));
  const forwarded = decodeForwarded(answer);
  return 'data' in forwarded
    ? decodeReply<T>(method, Uint8Array.from(forwarded.data))
    : (forwarded as { readonly code: number; readonly text: string });
}
