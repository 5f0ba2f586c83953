import { IDL } from '@icp-sdk/core/candid';

/** The part of the management canister's interface that the workshop uses. */
export interface ManagementCanister {
  provisional_create_canister_with_cycles(args: {
    readonly amount: readonly [bigint];
    readonly settings: readonly [];
  }): Promise<{ readonly canister_id: { toText(): string } }>;
  install_code(args: {
    readonly mode: Readonly<Record<string, unknown>>;
    readonly canister_id: unknown;
    readonly wasm_module: Uint8Array;
    readonly arg: Uint8Array;
  }): Promise<void>;
}

const settings = IDL.Record({ controllers: IDL.Opt(IDL.Vec(IDL.Principal)) });
const upgradeFlags = IDL.Record({
  skip_pre_upgrade: IDL.Opt(IDL.Bool),
  wasm_memory_persistence: IDL.Opt(IDL.Variant({ keep: IDL.Null, replace: IDL.Null })),
});

export function managementInterface(): IDL.ServiceClass {
  return IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func(
      [IDL.Record({ amount: IDL.Opt(IDL.Nat), settings: IDL.Opt(settings) })],
      [IDL.Record({ canister_id: IDL.Principal })],
      [],
    ),
    install_code: IDL.Func(
      [
        IDL.Record({
          mode: IDL.Variant({
            install: IDL.Null,
            reinstall: IDL.Null,
            upgrade: IDL.Opt(upgradeFlags),
          }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [],
      [],
    ),
  });
}
