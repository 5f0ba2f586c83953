import { principalToText } from '../../crypto/principal.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import type { CanisterId, PrincipalId, SubnetId } from '../../types/ids.ts';
import { ErrorCode, help, type UserError } from '../user-error.ts';

/** Errors of the management canister, in the replica's words. @upstream rs/execution_environment/src/canister_manager/types.rs */

/** The replica's suggestion where it names a bare anchor instead of a page. */
function advice(suggestion: string, anchor: string): string {
  return `\n${suggestion} See documentation: ${anchor}`;
}

/** Methods of which the replica says more when their canister is not there. */
const ADVISES_ON_MISSING: ReadonlySet<string> = new Set([
  'delete_canister',
  'install_chunked_code',
  'install_code',
  'stop_canister',
  'uninstall_code',
]);

/** At execution; the ingress filter and calls of canisters that are not there leave out the dot. */
export function targetNotFound(canisterId: CanisterId, methodName = ''): UserError {
  const suggestion = ADVISES_ON_MISSING.has(methodName)
    ? help('Check the ICP dashboard to ensure the canister exists.', 'canister-not-found')
    : '';
  return {
    code: ErrorCode.canisterNotFound,
    message: `Canister ${principalToText(canisterId)} not found.${suggestion}`,
  };
}

/** The canister whose chunks an installation wants. */
export function storeNotFound(store: CanisterId, subnet: SubnetId, target: CanisterId): UserError {
  const [from, on, to] = [store, subnet, target].map(principalToText);
  return {
    code: ErrorCode.canisterNotFound,
    message: `InstallChunkedCode Error: Store canister ${from} was not found on subnet ${on} of target canister ${to}`,
  };
}

/** Of the ingress filter. */
export function notController(canisterId: CanisterId, methodName: string): UserError {
  return {
    code: ErrorCode.canisterInvalidController,
    message: `Only controllers of canister ${principalToText(canisterId)} can call ic00 method ${methodName}`,
  };
}

/** At execution. */
export function cannotControl(canister: CanisterState, sender: PrincipalId): UserError {
  const controllers = canister.controllers.map(principalToText).join(' ');
  return {
    code: ErrorCode.canisterInvalidController,
    message: `Only the controllers of the canister ${principalToText(canister.canisterId)} can control it.\nCanister's controllers: ${controllers}\nSender's ID: ${principalToText(sender)}${help('Execute this call from a controller of the target canister or add the current caller as a controller.', 'invalid-controller')}`,
  };
}

export function notAllowedToReadStatus(sender: PrincipalId): UserError {
  return {
    code: ErrorCode.canisterStatusAccessDenied,
    message: `Caller ${principalToText(sender)} is not allowed to read the canister status`,
  };
}

/** @param what logs or snapshots */
export function notAllowedToSee(sender: PrincipalId, what: string): UserError {
  return {
    code: ErrorCode.canisterRejectedMessage,
    message: `Caller ${principalToText(sender)} is not allowed to access canister ${what}`,
  };
}

export function chunkStoreError(message: string): UserError {
  const suggestion = help(
    'Use the `stored_chunks` API to check which hashes are present or top up the canister if it is low on cycles.',
    'wasm-chunk-store-error',
  );
  return {
    code: ErrorCode.canisterContractViolation,
    message: `Error from Wasm chunk store: ${message}.${suggestion}`,
  };
}

export function snapshotNotFound(canisterId: CanisterId, snapshotId: string): UserError {
  const suggestion = help(
    'Use the `list_canister_snapshot` API to see which snapshots are present.',
    'canister-snapshot-not-found',
  );
  return {
    code: ErrorCode.canisterSnapshotNotFound,
    message: `Could not find the snapshot ID ${snapshotId} for canister ${principalToText(canisterId)}.${suggestion}`,
  };
}

export function foreignSnapshot(canisterId: CanisterId, snapshotId: string): UserError {
  const suggestion = help(
    'Use the `list_canister_snapshot` API to see which snapshots are present.',
    'canister-snapshot-invalid-ownership',
  );
  return {
    code: ErrorCode.canisterRejectedMessage,
    message: `The snapshot ${snapshotId} does not belong to canister ${principalToText(canisterId)}.${suggestion}`,
  };
}

/** The caller does not control the canister that the snapshot is of. */
export function foreignSnapshotNotLoadable(
  canisterId: CanisterId,
  snapshotId: string,
  sender: PrincipalId,
): UserError {
  const suggestion = advice(
    'Make sure you are a controller of the canister that the snapshot belongs to.',
    'canister-snapshot-not-controller',
  );
  return {
    code: ErrorCode.canisterRejectedMessage,
    message: `Only a controller of the canister that snapshot ${snapshotId} belongs to can load it on canister ${principalToText(canisterId)}. Sender: ${principalToText(sender)}.${suggestion}`,
  };
}

export function tooManySnapshots(canisterId: CanisterId, limit: number): UserError {
  const suggestion = advice(
    'Consider deleting an unnecessary snapshot of the specified canister before creating a new one.',
    'canister-snapshot-limit-exceeded',
  );
  return {
    code: ErrorCode.canisterRejectedMessage,
    message: `Canister ${principalToText(canisterId)} has reached the maximum number of snapshots allowed: ${limit}.${suggestion}`,
  };
}

export function snapshotOfEmptyCanister(canisterId: CanisterId): UserError {
  return {
    code: ErrorCode.canisterRejectedMessage,
    message: `Failed to create snapshot for empty canister ${principalToText(canisterId)}:`,
  };
}

export const SNAPSHOT_IMMUTABLE: UserError = {
  code: ErrorCode.canisterSnapshotImmutable,
  message: 'Only canister snapshots created by metadata upload can be mutated.',
};

export function snapshotOutOfCycles(cause: UserError): UserError {
  const suggestion = advice(
    'Try sending more cycles with the request.',
    'canister-snapshot-not-enough-cycles',
  );
  return {
    code: ErrorCode.canisterOutOfCycles,
    message: `Canister snapshotting failed with: \`${cause.message}\`${suggestion}`,
  };
}

export function invalidSlice(offset: bigint, size: bigint): UserError {
  return {
    code: ErrorCode.invalidManagementPayload,
    message: `Invalid subslice into wasm module / main memory / stable memory: offset: ${offset}, size: ${size}`,
  };
}

export function sliceTooLarge(requested: bigint, allowed: bigint): UserError {
  return {
    code: ErrorCode.invalidManagementPayload,
    message: `Requested slice too large: ${requested} > ${allowed}`,
  };
}

/** An uploaded snapshot that does not fit together. */
export function snapshotInconsistent(message: string): UserError {
  return { code: ErrorCode.invalidManagementPayload, message };
}
