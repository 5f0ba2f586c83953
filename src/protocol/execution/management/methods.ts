import { err, ok, type Result } from '../../../base/result.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import type { RadixMap } from '../../replicated-state/radix-map.ts';
import type { PrincipalId } from '../../types/ids.ts';
import { canisterNotFound } from '../execute-message.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';
import { isVisible } from '../visibility.ts';
import { decodeTarget } from './arguments.ts';
import {
  cannotControl,
  notAllowedToReadStatus,
  notAllowedToSee,
  notController,
  targetNotFound,
} from './errors.ts';

/**
 * Who may call which method of the management canister.
 * @upstream rs/execution_environment/src/canister_manager.rs#should_accept_ingress_message
 */

/** Who may call a method that is about one canister. */
type Access =
  | 'controllers'
  /** The canister itself, too. */
  | 'controllersAndSelf'
  | 'statusViewers'
  | 'snapshotViewers';

/** Methods about one canister, of users and canisters. */
const ACCESS = {
  canister_status: 'statusViewers',
  canister_metrics: 'controllers',
  start_canister: 'controllers',
  stop_canister: 'controllers',
  delete_canister: 'controllers',
  uninstall_code: 'controllers',
  update_settings: 'controllers',
  install_code: 'controllers',
  install_chunked_code: 'controllers',
  upload_chunk: 'controllersAndSelf',
  stored_chunks: 'controllersAndSelf',
  clear_chunk_store: 'controllersAndSelf',
  take_canister_snapshot: 'controllers',
  load_canister_snapshot: 'controllers',
  delete_canister_snapshot: 'controllers',
  list_canister_snapshots: 'snapshotViewers',
  read_canister_snapshot_metadata: 'snapshotViewers',
  read_canister_snapshot_data: 'snapshotViewers',
  upload_canister_snapshot_metadata: 'controllers',
  upload_canister_snapshot_data: 'controllers',
} as const satisfies Record<string, Access>;

/** Open to everyone, on networks like this one. */
const PROVISIONAL_METHODS = [
  'provisional_create_canister_with_cycles',
  'provisional_top_up_canister',
] as const;

/** Only canisters may call these. */
const CANISTER_METHODS = [
  'create_canister',
  'deposit_cycles',
  'raw_rand',
  'canister_info',
  'canister_metadata',
  'node_metrics_history',
  'subnet_info',
] as const;

/** Of canisters only, and of services that this subnet does not have. */
const UNAVAILABLE_METHODS = [
  'ecdsa_public_key',
  'sign_with_ecdsa',
  'schnorr_public_key',
  'sign_with_schnorr',
  'vetkd_public_key',
  'vetkd_derive_key',
  'http_request',
  'bitcoin_get_balance',
  'bitcoin_get_utxos',
  'bitcoin_get_block_headers',
  'bitcoin_send_transaction',
  'bitcoin_get_current_fee_percentiles',
  'fetch_canister_logs',
] as const;

export type TargetMethod = keyof typeof ACCESS;
type IngressMethod = TargetMethod | (typeof PROVISIONAL_METHODS)[number];
export type UnavailableMethod = (typeof UNAVAILABLE_METHODS)[number];

export type ManagementMethod =
  | IngressMethod
  | (typeof CANISTER_METHODS)[number]
  | UnavailableMethod;

/** Queries of the management canister. */
export const MANAGEMENT_QUERIES: ReadonlySet<string> = new Set([
  'fetch_canister_logs',
  'canister_status',
  'canister_metrics',
  'list_canisters',
]);

const INGRESS_METHODS: ReadonlySet<string> = new Set([
  ...Object.keys(ACCESS),
  ...PROVISIONAL_METHODS,
]);
const ALL_METHODS: ReadonlySet<string> = new Set([
  ...INGRESS_METHODS,
  ...CANISTER_METHODS,
  ...UNAVAILABLE_METHODS,
]);

export function isTargetMethod(name: string): name is TargetMethod {
  return Object.hasOwn(ACCESS, name);
}

/** The method if users may call it, else the replica's refusal. */
export function ingressMethod(name: string): Result<IngressMethod, UserError> {
  if (INGRESS_METHODS.has(name)) {
    return ok(name as IngressMethod);
  }
  return userError(
    ErrorCode.canisterRejectedMessage,
    name === 'fetch_canister_logs'
      ? `${name} API is not accessible via ingress in replicated mode`
      : // The replica says so of every other name, known to it or not.
        `Only canisters can call ic00 method ${name}`,
  );
}

function mayCall(canister: CanisterState, caller: PrincipalId, access: Access): boolean {
  const isSelf = caller === canister.canisterId;
  switch (access) {
    case 'controllers':
      return canister.controllers.includes(caller);
    case 'controllersAndSelf':
      return isSelf || canister.controllers.includes(caller);
    case 'statusViewers':
      return isSelf || isVisible(canister, canister.settings.statusVisibility, caller);
    case 'snapshotViewers':
      return isVisible(canister, canister.settings.snapshotVisibility, caller);
  }
}

/** Why a caller is refused; `byController` is the text where only controllers may call. */
function refusal(
  canister: CanisterState,
  caller: PrincipalId,
  access: Access,
  byController: UserError,
): UserError {
  const { snapshotVisibility } = canister.settings;
  if (access === 'statusViewers') {
    return notAllowedToReadStatus(caller);
  }
  return access === 'snapshotViewers' && snapshotVisibility.kind !== 'controllers'
    ? notAllowedToSee(caller, 'snapshots')
    : byController;
}

/** The ingress filter's verdict on a management call; checked again at execution. */
export function checkManagementIngress(
  canisters: RadixMap<CanisterState>,
  sender: PrincipalId,
  methodName: string,
  arg: Uint8Array,
): Result<ManagementMethod, UserError> {
  const method = ingressMethod(methodName);
  if (!method.ok || !isTargetMethod(method.value)) {
    return method;
  }
  const canisterId = decodeTarget(methodName, arg);
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
  const access = ACCESS[method.value];
  return mayCall(canister, sender, access)
    ? method
    : err(refusal(canister, sender, access, notController(canisterId.value, methodName)));
}

/** The method if canisters may call it and the caller may call it on its target. */
export function checkManagementCall(
  canisters: RadixMap<CanisterState>,
  caller: PrincipalId,
  methodName: string,
  arg: Uint8Array,
): Result<ManagementMethod, UserError> {
  if (!ALL_METHODS.has(methodName)) {
    return userError(
      ErrorCode.canisterMethodNotFound,
      `Management canister has no method '${methodName}'`,
    );
  }
  const method = methodName as ManagementMethod;
  if (!isTargetMethod(method)) {
    return ok(method);
  }
  const canisterId = decodeTarget(methodName, arg);
  if (!canisterId.ok) {
    return canisterId;
  }
  const canister = canisters.get(canisterId.value);
  if (canister === undefined) {
    return err(targetNotFound(canisterId.value, method));
  }
  const access = ACCESS[method];
  return mayCall(canister, caller, access)
    ? ok(method)
    : err(refusal(canister, caller, access, cannotControl(canister, caller)));
}
