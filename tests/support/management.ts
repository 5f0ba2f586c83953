import { Actor, type ActorSubclass, type HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';

/** The part of the management canister's interface that tests call, typed by hand. */
export interface Management {
  provisional_create_canister_with_cycles(arg: object): Promise<{ canister_id: Principal }>;
  create_canister(arg: object): Promise<{ canister_id: Principal }>;
  install_code(arg: object): Promise<void>;
  update_settings(arg: object): Promise<void>;
  canister_status(arg: { canister_id: Principal }): Promise<CanisterStatus>;
  start_canister(arg: { canister_id: Principal }): Promise<void>;
  stop_canister(arg: { canister_id: Principal }): Promise<void>;
  delete_canister(arg: { canister_id: Principal }): Promise<void>;
  uninstall_code(arg: { canister_id: Principal }): Promise<void>;
  raw_rand(): Promise<Uint8Array>;
  fetch_canister_logs(arg: { canister_id: Principal }): Promise<{
    canister_log_records: { idx: bigint; timestamp_nanos: bigint; content: Uint8Array }[];
  }>;
}

export interface CanisterStatus {
  readonly status: Record<string, null>;
  readonly version: bigint;
  readonly cycles: bigint;
  readonly memory_size: bigint;
  readonly module_hash: [] | [Uint8Array];
  readonly settings: { readonly controllers: Principal[]; readonly freezing_threshold: bigint };
}

const idRecord = IDL.Record({ canister_id: IDL.Principal });
const settings = IDL.Record({
  controllers: IDL.Opt(IDL.Vec(IDL.Principal)),
  freezing_threshold: IDL.Opt(IDL.Nat),
  wasm_memory_limit: IDL.Opt(IDL.Nat),
});
const factory: IDL.InterfaceFactory = () =>
  IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func(
      [
        IDL.Record({
          amount: IDL.Opt(IDL.Nat),
          settings: IDL.Opt(settings),
          specified_id: IDL.Opt(IDL.Principal),
        }),
      ],
      [idRecord],
    ),
    create_canister: IDL.Func([IDL.Record({ settings: IDL.Opt(settings) })], [idRecord]),
    install_code: IDL.Func(
      [
        IDL.Record({
          mode: IDL.Variant({
            install: IDL.Null,
            reinstall: IDL.Null,
            upgrade: IDL.Opt(
              IDL.Record({
                skip_pre_upgrade: IDL.Opt(IDL.Bool),
                wasm_memory_persistence: IDL.Opt(
                  IDL.Variant({ keep: IDL.Null, replace: IDL.Null }),
                ),
              }),
            ),
          }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [],
    ),
    update_settings: IDL.Func([IDL.Record({ canister_id: IDL.Principal, settings })], []),
    canister_status: IDL.Func(
      [idRecord],
      [
        IDL.Record({
          status: IDL.Variant({ running: IDL.Null, stopping: IDL.Null, stopped: IDL.Null }),
          version: IDL.Nat64,
          cycles: IDL.Nat,
          memory_size: IDL.Nat,
          module_hash: IDL.Opt(IDL.Vec(IDL.Nat8)),
          settings: IDL.Record({
            controllers: IDL.Vec(IDL.Principal),
            freezing_threshold: IDL.Nat,
          }),
        }),
      ],
    ),
    start_canister: IDL.Func([idRecord], []),
    stop_canister: IDL.Func([idRecord], []),
    delete_canister: IDL.Func([idRecord], []),
    uninstall_code: IDL.Func([idRecord], []),
    raw_rand: IDL.Func([], [IDL.Vec(IDL.Nat8)]),
    fetch_canister_logs: IDL.Func(
      [idRecord],
      [
        IDL.Record({
          canister_log_records: IDL.Vec(
            IDL.Record({ idx: IDL.Nat64, timestamp_nanos: IDL.Nat64, content: IDL.Vec(IDL.Nat8) }),
          ),
        }),
      ],
      ['query'],
    ),
  });

/** `aaaaa-aa` through an agent; calls go to the canister their argument names, else to `effective`. */
export function managementCanister(
  agent: HttpAgent,
  effective: Principal,
): ActorSubclass<Management> {
  const named = (args: unknown[]): Principal => {
    const record = (args[0] ?? {}) as { canister_id?: Principal; specified_id?: Principal[] };
    return record.canister_id ?? record.specified_id?.[0] ?? effective;
  };
  const transform = (_method: string, args: unknown[]): { effectiveCanisterId: Principal } => ({
    effectiveCanisterId: named(args),
  });
  return Actor.createActor<Management>(factory, {
    agent,
    canisterId: Principal.managementCanister(),
    callTransform: transform,
    queryTransform: transform,
  });
}
