import { IDL } from '@icp-sdk/core/candid';
import { err, ok } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import type {
  CanisterChange,
  CanisterState,
  ChangeDetails,
  ChangeOrigin,
} from '../../replicated-state/canister-state.ts';
import type { PrincipalId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import { ErrorCode, userError } from '../user-error.ts';
import { decodeCanisterInfo, decodeCanisterMetadata } from './arguments.ts';
import { Blob, bytesOfHex, encodeOne, principalValue } from './candid-types.ts';
import { findCanister, type Reply } from './operation.ts';
import { SnapshotSource, sourceValue } from './snapshot-replies.ts';

/** What every canister may know of every other one: history, module hash, controllers, metadata. */

const Change = IDL.Record({
  timestamp_nanos: IDL.Nat64,
  canister_version: IDL.Nat64,
  origin: IDL.Variant({
    from_user: IDL.Record({ user_id: IDL.Principal }),
    from_canister: IDL.Record({
      canister_id: IDL.Principal,
      canister_version: IDL.Opt(IDL.Nat64),
    }),
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
      source: SnapshotSource,
    }),
    controllers_change: IDL.Record({ controllers: IDL.Vec(IDL.Principal) }),
  }),
});

const CanisterInfo = IDL.Record({
  total_num_changes: IDL.Nat64,
  recent_changes: IDL.Vec(Change),
  module_hash: IDL.Opt(Blob),
  controllers: IDL.Vec(IDL.Principal),
});

const U64_LIMIT = 1n << 64n;

function originValue(origin: ChangeOrigin): object {
  if (origin.kind === 'user') {
    return { from_user: { user_id: principalValue(origin.userId) } };
  }
  const { canisterVersion: version } = origin;
  return {
    from_canister: {
      canister_id: principalValue(origin.canisterId),
      canister_version: version === null || version >= U64_LIMIT ? [] : [version],
    },
  };
}

function detailsValue(details: ChangeDetails): object {
  switch (details.kind) {
    case 'creation':
      return {
        creation: {
          controllers: details.controllers.map(principalValue),
          environment_variables_hash:
            details.environmentHash === null ? [] : [bytesOfHex(details.environmentHash)],
        },
      };
    case 'codeUninstall':
      return { code_uninstall: null };
    case 'codeDeployment':
      return {
        code_deployment: {
          mode: { [details.mode]: null },
          module_hash: bytesOfHex(details.moduleHash),
        },
      };
    case 'loadSnapshot':
      return {
        load_snapshot: {
          from_canister_id:
            details.fromCanisterId === null ? [] : [principalValue(details.fromCanisterId)],
          snapshot_id: bytesOfHex(details.snapshotId),
          canister_version: details.canisterVersion,
          taken_at_timestamp: details.takenAtNs,
          source: sourceValue(details.source),
        },
      };
    case 'controllersChange':
      return { controllers_change: { controllers: details.controllers.map(principalValue) } };
  }
}

function changeValue(change: CanisterChange): object {
  return {
    timestamp_nanos: change.timeNs,
    canister_version: change.canisterVersion,
    origin: originValue(change.origin),
    details: detailsValue(change.details),
  };
}

export function canisterInfo(round: RoundState, arg: Uint8Array): Reply {
  const decoded = decodeCanisterInfo(arg);
  const canister = decoded.ok ? findCanister(round, decoded.value.canisterId) : decoded;
  if (!decoded.ok || !canister.ok) {
    return decoded.ok ? (canister as Reply) : decoded;
  }
  return ok(canisterInfoReply(canister.value, decoded.value.requestedChanges));
}

function canisterInfoReply(canister: CanisterState, requested: bigint): Uint8Array {
  const { changes, execution } = canister;
  const count = requested < BigInt(changes.length) ? Number(requested) : changes.length;
  return encodeOne(CanisterInfo, {
    total_num_changes: canister.totalChanges,
    recent_changes: changes.slice(changes.length - count).map(changeValue),
    module_hash: execution === null ? [] : [bytesOfHex(execution.moduleHash)],
    controllers: canister.controllers.map(principalValue),
  });
}

/** A custom section; a private one is as good as none to those who may not see it. */
export function canisterMetadata(round: RoundState, sender: PrincipalId, arg: Uint8Array): Reply {
  const decoded = decodeCanisterMetadata(arg);
  const found = decoded.ok ? findCanister(round, decoded.value.canisterId) : decoded;
  if (!decoded.ok || !found.ok) {
    return decoded.ok ? (found as Reply) : decoded;
  }
  const canister = found.value;
  const who = `The canister ${principalToText(canister.canisterId)}`;
  if (canister.execution === null) {
    return userError(
      ErrorCode.canisterRejectedMessage,
      `${who} has no Wasm module and hence no metadata is available.`,
    );
  }
  const { name } = decoded.value;
  const section = canister.execution.customSections.find((known) => known.name === name);
  const visible = section?.visibility === 'public' || canister.controllers.includes(sender);
  return section === undefined || !visible
    ? err({
        code: ErrorCode.canisterRejectedMessage,
        message: `${who} has no metadata section with the name ${name}.`,
      })
    : ok(encodeOne(IDL.Record({ value: Blob }), { value: section.content }));
}
