import { bytesToHex } from '../../../base/hex.ts';
import type { Result } from '../../../base/result.ts';
import { MAX_CHUNKS } from '../../limits/management.ts';
import type { CanisterId, HashHex } from '../../types/ids.ts';
import { ErrorCode, type UserError } from '../user-error.ts';
import { ArgumentReader, malformed, readArgument, refuse } from './argument-reader.ts';
import type { CandidValue } from './candid-value.ts';
import { settingsFrom, type SettingsChange } from './settings-arguments.ts';

/** Arguments of the management canister's methods, from Candid. */

const HASH_BYTES = 32;

/** The `canister_id` field of an argument. */
export function decodeCanisterId(arg: Uint8Array): Result<CanisterId, UserError> {
  return readArgument(arg, (record) => record.canisterId());
}

/** The canister that a call of the management canister is about. */
export function decodeTarget(methodName: string, arg: Uint8Array): Result<CanisterId, UserError> {
  const field = methodName === 'install_chunked_code' ? 'target_canister' : 'canister_id';
  return readArgument(arg, (record) => record.canisterId(field));
}

export interface SettingsArgument {
  readonly change: SettingsChange;
  /** As the calling canister states it. */
  readonly senderVersion: bigint | undefined;
}

export function senderVersionOf(record: ArgumentReader): bigint | undefined {
  return record.optionalNat('sender_canister_version');
}

export function decodeUpdateSettings(arg: Uint8Array): Result<SettingsArgument, UserError> {
  return readArgument(arg, (record) => ({
    change: settingsFrom(record),
    senderVersion: senderVersionOf(record),
  }));
}

export interface CreateCanisterArgument extends SettingsArgument {
  readonly amount: bigint | undefined;
  readonly specifiedId: CanisterId | undefined;
}

export function decodeCreateCanister(arg: Uint8Array): Result<CreateCanisterArgument, UserError> {
  return readArgument(arg, (record) => ({
    change: settingsFrom(record),
    senderVersion: senderVersionOf(record),
    amount: record.optionalNat('amount'),
    specifiedId: record.optionalPrincipal('specified_id') as CanisterId | undefined,
  }));
}

export function decodeTopUp(arg: Uint8Array): Result<bigint, UserError> {
  return readArgument(arg, (record) => record.nat('amount'));
}

export interface TargetArgument {
  readonly canisterId: CanisterId;
  readonly senderVersion: bigint | undefined;
}

/** An argument of which only the canister and the caller's version matter. */
export function decodeTargetArgument(arg: Uint8Array): Result<TargetArgument, UserError> {
  return readArgument(arg, (record) => ({
    canisterId: record.canisterId(),
    senderVersion: senderVersionOf(record),
  }));
}

export interface InstallOptions {
  readonly canisterId: CanisterId;
  readonly mode: 'install' | 'reinstall' | 'upgrade';
  readonly arg: Uint8Array;
  readonly skipPreUpgrade: boolean;
  readonly memoryPersistence: 'keep' | 'replace' | undefined;
  readonly senderVersion: bigint | undefined;
}

export interface InstallCodeArgument extends InstallOptions {
  readonly wasm: Uint8Array;
}

function installOptions(record: ArgumentReader, target: string): InstallOptions {
  const mode = record.variant('mode', ['install', 'reinstall', 'upgrade']);
  const inner = mode.value;
  const flags = new ArgumentReader(
    inner.kind === 'opt' && inner.value !== null ? inner.value : inner,
  );
  return {
    canisterId: record.canisterId(target),
    mode: mode.name,
    arg: record.blob('arg'),
    skipPreUpgrade: flags.optionalBool('skip_pre_upgrade') ?? false,
    memoryPersistence: flags.optionalVariant('wasm_memory_persistence', ['keep', 'replace'])?.name,
    senderVersion: senderVersionOf(record),
  };
}

export function decodeInstallCode(arg: Uint8Array): Result<InstallCodeArgument, UserError> {
  return readArgument(arg, (record) => ({
    ...installOptions(record, 'canister_id'),
    wasm: record.blob('wasm_module'),
  }));
}

export interface InstallChunkedCodeArgument extends InstallOptions {
  /** Undefined = the target itself. */
  readonly storeCanister: CanisterId | undefined;
  readonly chunkHashes: readonly HashHex[];
  readonly moduleHash: HashHex;
}

function chunkHashFrom(item: CandidValue): HashHex {
  // Early clients sent the bare hash.
  const bytes = item.kind === 'blob' ? item.value : new ArgumentReader(item).blob('hash');
  return bytes.length === HASH_BYTES
    ? (bytesToHex(bytes) as HashHex)
    : refuse(
        ErrorCode.canisterContractViolation,
        'Error from Wasm chunk store: Chunk hash is invalid. The length is not 32.',
      );
}

export function decodeInstallChunkedCode(
  arg: Uint8Array,
): Result<InstallChunkedCodeArgument, UserError> {
  return readArgument(arg, (record) => {
    const hashes = record.list('chunk_hashes_list');
    const moduleHash = record.blob('wasm_module_hash');
    if (hashes.length > MAX_CHUNKS) {
      malformed(`The number of elements exceeds maximum allowed ${MAX_CHUNKS}`);
    }
    return {
      ...installOptions(record, 'target_canister'),
      storeCanister: record.optionalPrincipal('store_canister') as CanisterId | undefined,
      chunkHashes: hashes.map(chunkHashFrom),
      moduleHash:
        moduleHash.length === HASH_BYTES
          ? (bytesToHex(moduleHash) as HashHex)
          : refuse(
              ErrorCode.canisterContractViolation,
              `Invalid wasm hash [${moduleHash.join(', ')}]`,
            ),
    };
  });
}

export interface UploadChunkArgument {
  readonly chunk: Uint8Array;
}

export function decodeUploadChunk(arg: Uint8Array): Result<UploadChunkArgument, UserError> {
  return readArgument(arg, (record) => ({ chunk: record.blob('chunk') }));
}

export interface CanisterInfoArgument {
  readonly canisterId: CanisterId;
  readonly requestedChanges: bigint;
}

export function decodeCanisterInfo(arg: Uint8Array): Result<CanisterInfoArgument, UserError> {
  return readArgument(arg, (record) => ({
    canisterId: record.canisterId(),
    requestedChanges: record.optionalNat('num_requested_changes') ?? 0n,
  }));
}

export interface CanisterMetadataArgument {
  readonly canisterId: CanisterId;
  readonly name: string;
}

export function decodeCanisterMetadata(
  arg: Uint8Array,
): Result<CanisterMetadataArgument, UserError> {
  return readArgument(arg, (record) => ({
    canisterId: record.canisterId(),
    name: record.text('name'),
  }));
}
