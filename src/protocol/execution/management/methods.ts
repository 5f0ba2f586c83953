import { err, ok, type Result } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import type { RadixMap } from '../../replicated-state/radix-map.ts';
import type { CanisterId, PrincipalId } from '../../types/ids.ts';
import { canisterNotFound } from '../execute-message.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';
import { decodeCanisterId } from './arguments.ts';

/**
 * Who may call which method of the management canister by ingress.
 * @upstream rs/execution_environment/src/canister_manager.rs#should_accept_ingress_message
 */

/** Methods users may call on the IC that are not implemented yet. */
const NOT_IMPLEMENTED: ReadonlySet<string> = new Set([
  'upload_chunk',
  'stored_chunks',
  'clear_chunk_store',
  'install_chunked_code',
  'take_canister_snapshot',
  'load_canister_snapshot',
  'list_canister_snapshots',
  'delete_canister_snapshot',
  'read_canister_snapshot_metadata',
  'read_canister_snapshot_data',
  'upload_canister_snapshot_metadata',
  'upload_canister_snapshot_data',
  'canister_metrics',
]);

const CONTROLLER_METHODS = [
  'canister_status',
  'start_canister',
  'stop_canister',
  'delete_canister',
  'uninstall_code',
  'update_settings',
  'install_code',
] as const;
const PROVISIONAL_METHODS = [
  'provisional_create_canister_with_cycles',
  'provisional_top_up_canister',
] as const;

/** Only canisters may call these. */
const CANISTER_METHODS = ['create_canister', 'deposit_cycles', 'raw_rand'] as const;

type IngressMethod = (typeof CONTROLLER_METHODS)[number] | (typeof PROVISIONAL_METHODS)[number];

export type ManagementMethod = IngressMethod | (typeof CANISTER_METHODS)[number];

/** Queries of the management canister. */
export const MANAGEMENT_QUERIES: ReadonlySet<string> = new Set([
  'fetch_canister_logs',
  'canister_status',
]);

/** The method if users may call it, else the replica's refusal. */
export function ingressMethod(name: string): Result<IngressMethod, UserError> {
  const known = [...CONTROLLER_METHODS, ...PROVISIONAL_METHODS].find((method) => method === name);
  if (known !== undefined) {
    return ok(known);
  }
  if (NOT_IMPLEMENTED.has(name)) {
    return userError(
      ErrorCode.unknownManagementMessage,
      `Management canister has no method '${name}'`,
    );
  }
  if (name === 'fetch_canister_logs') {
    return userError(
      ErrorCode.canisterRejectedMessage,
      `${name} API is not accessible via ingress in replicated mode`,
    );
  }
  // The replica says so of every other name, known to it or not.
  return userError(
    ErrorCode.canisterRejectedMessage,
    `Only canisters can call ic00 method ${name}`,
  );
}

export function needsController(method: ManagementMethod): boolean {
  return (CONTROLLER_METHODS as readonly string[]).includes(method);
}

/** The ingress filter's verdict on a management call; checked again at execution. */
export function checkManagementIngress(
  canisters: RadixMap<CanisterState>,
  sender: PrincipalId,
  methodName: string,
  arg: Uint8Array,
): Result<IngressMethod, UserError> {
  const method = ingressMethod(methodName);
  if (!method.ok || !needsController(method.value)) {
    return method;
  }
  const canisterId = decodeCanisterId(arg);
  if (!canisterId.ok) {
    return userError(
      ErrorCode.invalidManagementPayload,
      `Failed to decode payload for ic00 method: ${methodName}`,
    );
  }
  const canister = canisters.get(canisterId.value);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId.value));
  }
  if (!canister.controllers.includes(sender)) {
    return err(notController(canisterId.value, methodName));
  }
  return method;
}

export function notController(canisterId: CanisterId, methodName: string): UserError {
  return {
    code: ErrorCode.canisterInvalidController,
    message: `Only controllers of canister ${principalToText(canisterId)} can call ic00 method ${methodName}`,
  };
}

/** The method if canisters may call it and the caller may call it on its target. */
export function checkManagementCall(
  canisters: RadixMap<CanisterState>,
  caller: PrincipalId,
  methodName: string,
  arg: Uint8Array,
): Result<ManagementMethod, UserError> {
  const methods = [...CONTROLLER_METHODS, ...PROVISIONAL_METHODS, ...CANISTER_METHODS];
  const method = methods.find((name) => name === methodName);
  if (method === undefined) {
    return userError(
      ErrorCode.canisterMethodNotFound,
      `Management canister has no method '${methodName}'`,
    );
  }
  if (!needsController(method)) {
    return ok(method);
  }
  const canisterId = decodeCanisterId(arg);
  if (!canisterId.ok) {
    return userError(
      ErrorCode.invalidManagementPayload,
      `Error decoding candid: ${canisterId.error.message}`,
    );
  }
  const canister = canisters.get(canisterId.value);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId.value));
  }
  // A canister may always look at its own status.
  const isSelf = method === 'canister_status' && caller === canister.canisterId;
  return isSelf || canister.controllers.includes(caller)
    ? ok(method)
    : userError(
        ErrorCode.canisterInvalidController,
        `Only the controllers of the canister ${principalToText(canister.canisterId)} can control it.\nCanister's controllers: ${canister.controllers.map(principalToText).join(' ')}\nSender's ID: ${principalToText(caller)}`,
      );
}
