import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { principalToBytes } from '../../protocol/crypto/principal.ts';
import type { CanisterId } from '../../protocol/types/ids.ts';
import type { CallContent } from './client.ts';

/** Calls of the management canister about one canister, as the hunter's clients make them. */

const INSTALL_CODE = IDL.Record({
  mode: IDL.Variant({ install: IDL.Null }),
  canister_id: IDL.Principal,
  wasm_module: IDL.Vec(IDL.Nat8),
  arg: IDL.Vec(IDL.Nat8),
});
const SPECIFIED_ID = IDL.Record({ specified_id: IDL.Principal });
const CANISTER_ID = IDL.Record({ canister_id: IDL.Principal });

function principalOf(canisterId: CanisterId): Principal {
  return Principal.fromUint8Array(principalToBytes(canisterId));
}

function manage(
  canisterId: CanisterId,
  methodName: string,
  type: IDL.Type,
  argument: unknown,
): CallContent {
  const arg = Uint8Array.from(IDL.encode([type], [argument]));
  return { canisterId: null, effectiveCanisterId: canisterId, methodName, arg };
}

export function installCode(
  canisterId: CanisterId,
  module: Uint8Array,
  arg = new Uint8Array(0),
): CallContent {
  return manage(canisterId, 'install_code', INSTALL_CODE, {
    mode: { install: null },
    canister_id: principalOf(canisterId),
    wasm_module: module,
    arg,
  });
}

/** Under an id of the caller's choice. */
export function createCanister(canisterId: CanisterId): CallContent {
  return manage(canisterId, 'provisional_create_canister_with_cycles', SPECIFIED_ID, {
    specified_id: principalOf(canisterId),
  });
}

export function changeCanister(
  canisterId: CanisterId,
  method: 'start_canister' | 'stop_canister' | 'uninstall_code' | 'delete_canister',
): CallContent {
  return manage(canisterId, method, CANISTER_ID, { canister_id: principalOf(canisterId) });
}
