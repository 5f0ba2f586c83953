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

const CANISTERS_ONLY: ReadonlySet<string> = new Set([
  'create_canister',
  'canister_info',
  'canister_metadata',
  'deposit_cycles',
  'raw_rand',
  'http_request',
  'ecdsa_public_key',
  'sign_with_ecdsa',
  'schnorr_public_key',
  'sign_with_schnorr',
  'vetkd_public_key',
  'vetkd_derive_key',
  'setup_initial_dkg',
  'compute_initial_idkg_dealings',
  'reshare_chain_key',
  'bitcoin_get_balance',
  'bitcoin_get_utxos',
  'bitcoin_get_block_headers',
  'bitcoin_send_transaction',
  'bitcoin_get_current_fee_percentiles',
  'node_metrics_history',
  'subnet_info',
  'rename_canister',
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

export type ManagementMethod =
  | (typeof CONTROLLER_METHODS)[number]
  | (typeof PROVISIONAL_METHODS)[number];

/** Queries of the management canister. */
export const MANAGEMENT_QUERIES: ReadonlySet<string> = new Set([
  'fetch_canister_logs',
  'canister_status',
]);

/** The method if users may call it, else the replica's refusal. */
export function ingressMethod(name: string): Result<ManagementMethod, UserError> {
  if (CANISTERS_ONLY.has(name)) {
    return userError(
      ErrorCode.canisterRejectedMessage,
      `Only canisters can call ic00 method ${name}`,
    );
  }
  if (name === 'fetch_canister_logs') {
    return userError(
      ErrorCode.canisterRejectedMessage,
      `${name} API is not accessible via ingress in replicated mode`,
    );
  }
  const known = [...CONTROLLER_METHODS, ...PROVISIONAL_METHODS].find((method) => method === name);
  if (known === undefined) {
    return userError(
      ErrorCode.unknownManagementMessage,
      `Management canister has no method '${name}'`,
    );
  }
  return ok(known);
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
): Result<ManagementMethod, UserError> {
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
