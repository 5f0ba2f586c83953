import { IDL } from '@icp-sdk/core/candid';
import { compareText } from '../../../base/bytes.ts';
import { WASM_PAGE_BYTES, type GlobalValue } from '../../interfaces/wasm-host.ts';
import type { ChunkStore } from '../../replicated-state/chunk-store.ts';
import {
  snapshotBytes,
  snapshotIdOf,
  type CanisterSnapshot,
} from '../../replicated-state/snapshots.ts';
import type { CanisterId, HashHex } from '../../types/ids.ts';
import { Blob, bytesOfHex, ChunkHash, encodeOne, FloatOfBits } from './candid-types.ts';

/** Answers about chunks and snapshots, as Candid. */

const Snapshot = IDL.Record({
  id: Blob,
  taken_at_timestamp: IDL.Nat64,
  total_size: IDL.Nat64,
});

const Global = IDL.Variant({
  i32: IDL.Int32,
  i64: IDL.Int64,
  f32: new FloatOfBits(32),
  f64: new FloatOfBits(64),
  v128: IDL.Nat,
});

export const SnapshotSource = IDL.Variant({
  taken_from_canister: IDL.Reserved,
  metadata_upload: IDL.Reserved,
});

const SnapshotMetadata = IDL.Record({
  source: SnapshotSource,
  taken_at_timestamp: IDL.Nat64,
  wasm_module_size: IDL.Nat64,
  globals: IDL.Vec(Global),
  wasm_memory_size: IDL.Nat64,
  stable_memory_size: IDL.Nat64,
  wasm_chunk_store: IDL.Vec(ChunkHash),
  canister_version: IDL.Nat64,
  certified_data: Blob,
  global_timer: IDL.Opt(IDL.Variant({ inactive: IDL.Null, active: IDL.Nat64 })),
  on_low_wasm_memory_hook_status: IDL.Opt(
    IDL.Variant({ condition_not_satisfied: IDL.Null, ready: IDL.Null, executed: IDL.Null }),
  ),
});

export function chunkHashReply(hash: HashHex): Uint8Array {
  return encodeOne(ChunkHash, { hash: bytesOfHex(hash) });
}

/** The replica keeps hashes in order of their bytes. */
function chunkHashes(store: ChunkStore): readonly object[] {
  const sorted = store.chunks.map(({ hash }) => hash).sort(compareText);
  return sorted.map((hash) => ({ hash: bytesOfHex(hash) }));
}

export function storedChunksReply(store: ChunkStore): Uint8Array {
  return encodeOne(IDL.Vec(ChunkHash), chunkHashes(store));
}

function snapshotValue(canisterId: CanisterId, snapshot: CanisterSnapshot): object {
  return {
    id: bytesOfHex(snapshotIdOf(canisterId, snapshot.localId)),
    taken_at_timestamp: snapshot.takenAtNs,
    total_size: snapshotBytes(snapshot),
  };
}

export function snapshotReply(canisterId: CanisterId, snapshot: CanisterSnapshot): Uint8Array {
  return encodeOne(Snapshot, snapshotValue(canisterId, snapshot));
}

export function snapshotListReply(
  canisterId: CanisterId,
  snapshots: readonly CanisterSnapshot[],
): Uint8Array {
  const values = snapshots.map((snapshot) => snapshotValue(canisterId, snapshot));
  return encodeOne(IDL.Vec(Snapshot), values);
}

export function snapshotIdReply(snapshotId: string): Uint8Array {
  return encodeOne(IDL.Record({ snapshot_id: Blob }), { snapshot_id: bytesOfHex(snapshotId) });
}

export function snapshotDataReply(chunk: Uint8Array): Uint8Array {
  return encodeOne(IDL.Record({ chunk: Blob }), { chunk });
}

export function sourceValue(source: CanisterSnapshot['source']): object {
  return source === 'metadataUpload' ? { metadata_upload: null } : { taken_from_canister: null };
}

function globalValue({ type, bits }: GlobalValue): object {
  switch (type) {
    case 'i32':
      return { i32: Number(BigInt.asIntN(32, bits)) };
    case 'i64':
      return { i64: BigInt.asIntN(64, bits) };
    case 'f32':
    case 'f64':
    case 'v128':
      return { [type]: bits };
  }
}

const HOOK_NAMES = {
  conditionNotSatisfied: 'condition_not_satisfied',
  ready: 'ready',
  executed: 'executed',
} as const;

/** @param globals as snapshots list them */
export function snapshotMetadataReply(
  snapshot: CanisterSnapshot,
  globals: readonly GlobalValue[],
): Uint8Array {
  const { globalTimerNs: timer, lowMemoryHook: hook } = snapshot;
  return encodeOne(SnapshotMetadata, {
    source: sourceValue(snapshot.source),
    taken_at_timestamp: snapshot.takenAtNs,
    wasm_module_size: BigInt(snapshot.wasm.length),
    globals: globals.map(globalValue),
    wasm_memory_size: BigInt(snapshot.heapWasmPages) * BigInt(WASM_PAGE_BYTES),
    stable_memory_size: BigInt(snapshot.stableWasmPages) * BigInt(WASM_PAGE_BYTES),
    wasm_chunk_store: chunkHashes(snapshot.chunkStore),
    canister_version: snapshot.canisterVersion,
    certified_data: snapshot.certifiedData,
    global_timer: timer === null ? [] : [timer === 0n ? { inactive: null } : { active: timer }],
    on_low_wasm_memory_hook_status: hook === null ? [] : [{ [HOOK_NAMES[hook]]: null }],
  });
}
