import { bytesToHex } from '../../../base/hex.ts';
import type { Result } from '../../../base/result.ts';
import { MAX_CERTIFIED_DATA_BYTES, MAX_WASM_MODULE_BYTES } from '../../limits/execution.ts';
import { MAX_STABLE_BYTES } from '../../limits/memory.ts';
import { WASM_PAGE_BYTES, type GlobalValue } from '../../interfaces/wasm-host.ts';
import type { LowMemoryHookStatus } from '../../replicated-state/canister-state.ts';
import type { TimeNs } from '../../types/ids.ts';
import { MAX_GLOBALS, MAX_HEAP32_WASM_PAGES, MAX_HEAP64_WASM_PAGES } from '../wasm/limits.ts';
import { ErrorCode, type UserError } from '../user-error.ts';
import { ArgumentReader, malformed, readArgument, refuse, variantOf } from './argument-reader.ts';
import { senderVersionOf } from './arguments.ts';
import type { CandidValue } from './candid-value.ts';

/** Arguments of the methods about snapshots. */

const MAX_STABLE_WASM_PAGES = MAX_STABLE_BYTES / WASM_PAGE_BYTES;
/** Bytes of a snapshot's number, before the canister's id. */
const NUMBER_BYTES = 8;

function snapshotIdFrom(bytes: Uint8Array): string {
  return bytes.length > NUMBER_BYTES ? bytesToHex(bytes) : malformed('not a snapshot id');
}

export interface TakeSnapshotArgument {
  readonly replaced: string | undefined;
  readonly uninstall: boolean;
  readonly senderVersion: bigint | undefined;
}

function replacedIn(record: ArgumentReader): string | undefined {
  const replaced = record.optionalBlob('replace_snapshot');
  return replaced === undefined ? undefined : snapshotIdFrom(replaced);
}

export function decodeTakeSnapshot(arg: Uint8Array): Result<TakeSnapshotArgument, UserError> {
  return readArgument(arg, (record) => ({
    replaced: replacedIn(record),
    uninstall: record.optionalBool('uninstall_code') ?? false,
    senderVersion: senderVersionOf(record),
  }));
}

export interface SnapshotArgument {
  readonly snapshotId: string;
}

export interface LoadSnapshotArgument extends SnapshotArgument {
  readonly senderVersion: bigint | undefined;
}

export function decodeLoadSnapshot(arg: Uint8Array): Result<LoadSnapshotArgument, UserError> {
  return readArgument(arg, (record) => ({
    snapshotId: snapshotIdFrom(record.blob('snapshot_id')),
    senderVersion: senderVersionOf(record),
  }));
}

/** Of `delete_canister_snapshot` and `read_canister_snapshot_metadata`. */
export function decodeDeleteSnapshot(arg: Uint8Array): Result<SnapshotArgument, UserError> {
  return readArgument(arg, (record) => ({
    snapshotId: snapshotIdFrom(record.blob('snapshot_id')),
  }));
}

export type SnapshotPart = 'wasm_module' | 'wasm_memory' | 'stable_memory';

export type ReadKind =
  | { readonly part: SnapshotPart; readonly offset: bigint; readonly size: bigint }
  | { readonly part: 'wasm_chunk'; readonly hash: Uint8Array };

export interface ReadDataArgument extends SnapshotArgument {
  readonly kind: ReadKind;
}

const PARTS = ['wasm_module', 'wasm_memory', 'stable_memory', 'wasm_chunk'] as const;

export function decodeReadData(arg: Uint8Array): Result<ReadDataArgument, UserError> {
  return readArgument(arg, (record) => {
    const kind = record.variant('kind', PARTS);
    const inner = new ArgumentReader(kind.value);
    const snapshotId = snapshotIdFrom(record.blob('snapshot_id'));
    if (kind.name === 'wasm_chunk') {
      return { snapshotId, kind: { part: kind.name, hash: inner.blob('hash') } };
    }
    const [offset, size] = [inner.nat64('offset'), inner.nat64('size')];
    return { snapshotId, kind: { part: kind.name, offset, size } };
  });
}

export interface UploadDataArgument extends SnapshotArgument {
  readonly kind:
    | { readonly part: SnapshotPart; readonly offset: bigint }
    | { readonly part: 'wasm_chunk' };
  readonly chunk: Uint8Array;
}

export function decodeUploadData(arg: Uint8Array): Result<UploadDataArgument, UserError> {
  return readArgument(arg, (record) => {
    const kind = record.variant('kind', PARTS);
    return {
      snapshotId: snapshotIdFrom(record.blob('snapshot_id')),
      chunk: record.blob('chunk'),
      kind:
        kind.name === 'wasm_chunk'
          ? { part: kind.name }
          : { part: kind.name, offset: new ArgumentReader(kind.value).nat64('offset') },
    };
  });
}

export interface UploadMetadataArgument {
  readonly replaced: string | undefined;
  readonly wasmBytes: number;
  readonly globals: readonly GlobalValue[];
  readonly heapWasmPages: number;
  readonly stableWasmPages: number;
  readonly certifiedData: Uint8Array;
  readonly globalTimerNs: TimeNs | null;
  readonly lowMemoryHook: LowMemoryHookStatus | null;
}

function invalidMetadata(reason: string): never {
  return refuse(
    ErrorCode.invalidManagementPayload,
    `Snapshot Metadata contains invalid data: ${reason}`,
  );
}

/** @param name as the replica calls the memory */
function wasmPagesOf(bytes: bigint, name: string, limit: number): number {
  const pageBytes = BigInt(WASM_PAGE_BYTES);
  if (bytes % pageBytes !== 0n) {
    invalidMetadata(`${name}NotPageAligned`);
  }
  const pages = bytes / pageBytes;
  return pages > BigInt(limit) ? invalidMetadata(`${name}TooLarge`) : Number(pages);
}

function globalFrom(item: CandidValue): GlobalValue {
  const { name, value } = variantOf(item, ['i32', 'i64', 'f32', 'f64', 'v128']);
  if (name === 'v128') {
    return value.kind === 'number' && value.value >= 0n && value.value < 1n << 128n
      ? { type: name, bits: value.value }
      : malformed('a global is not a v128');
  }
  const width = name === 'i64' || name === 'f64' ? 64 : 32;
  if (name === 'f32' || name === 'f64') {
    return value.kind === 'float' && value.width === width
      ? { type: name, bits: value.bits }
      : malformed(`a global is not a float${width}`);
  }
  const limit = 1n << BigInt(width - 1);
  return value.kind === 'number' && value.value >= -limit && value.value < limit
    ? { type: name, bits: BigInt.asUintN(width, value.value) }
    : malformed(`a global is not an int${width}`);
}

const HOOK_STATUS = {
  condition_not_satisfied: 'conditionNotSatisfied',
  ready: 'ready',
  executed: 'executed',
} as const;

function timerFrom(record: ArgumentReader): TimeNs | null {
  const timer = record.optionalVariant('global_timer', ['inactive', 'active']);
  if (timer === undefined || timer.name === 'inactive') {
    return timer === undefined ? null : 0n;
  }
  return timer.value.kind === 'number' && timer.value.value >= 0n
    ? timer.value.value
    : malformed('the global timer is not a nat64');
}

/** @param memory64 of the module that the canister has now: it bounds the heap */
export function decodeUploadMetadata(
  arg: Uint8Array,
  memory64: boolean,
): Result<UploadMetadataArgument, UserError> {
  const maxHeapWasmPages = memory64 ? MAX_HEAP64_WASM_PAGES : MAX_HEAP32_WASM_PAGES;
  return readArgument(arg, (record) => {
    const wasmBytes = record.nat64('wasm_module_size');
    if (wasmBytes === 0n || wasmBytes > BigInt(MAX_WASM_MODULE_BYTES)) {
      invalidMetadata(wasmBytes === 0n ? 'WasmModuleEmpty' : 'WasmModuleTooLarge');
    }
    const heapBytes = record.nat64('wasm_memory_size');
    const stableBytes = record.nat64('stable_memory_size');
    const heapWasmPages = wasmPagesOf(heapBytes, 'WasmMemory', maxHeapWasmPages);
    const stableWasmPages = wasmPagesOf(stableBytes, 'StableMemory', MAX_STABLE_WASM_PAGES);
    const globals = record.list('globals');
    if (globals.length > MAX_GLOBALS) {
      invalidMetadata('ExportedGlobalsTooLarge');
    }
    const certifiedData = record.blob('certified_data');
    if (certifiedData.length > MAX_CERTIFIED_DATA_BYTES) {
      invalidMetadata('CertifiedDataTooLarge');
    }
    const hook = record.optionalVariant('on_low_wasm_memory_hook_status', [
      'condition_not_satisfied',
      'ready',
      'executed',
    ]);
    return {
      replaced: replacedIn(record),
      wasmBytes: Number(wasmBytes),
      globals: globals.map(globalFrom),
      heapWasmPages,
      stableWasmPages,
      certifiedData,
      globalTimerNs: timerFrom(record),
      lowMemoryHook: hook === undefined ? null : HOOK_STATUS[hook.name],
    };
  });
}
