import { WASM_PAGE_BYTES, type GlobalValue } from '../interfaces/wasm-host.ts';
import type { CanisterId, TimeNs } from '../types/ids.ts';
import { chunkStoreBytes, type ChunkStore } from './chunk-store.ts';
import type { LowMemoryHookStatus } from './canister-state.ts';
import type { PageMap } from './page-map.ts';

/**
 * What a canister was at one moment. It shares pages, module and chunks with the canister, so taking
 * one copies nothing.
 * @upstream rs/replicated_state/src/canister_snapshots.rs
 */
export interface CanisterSnapshot {
  /** Counts up with each snapshot of the canister; never given out twice. */
  readonly localId: number;
  /** Only uploaded ones can be written to. */
  readonly source: 'takenFromCanister' | 'metadataUpload';
  readonly takenAtNs: TimeNs;
  /** Of the canister when the snapshot came into being. */
  readonly canisterVersion: bigint;
  readonly certifiedData: Uint8Array;
  /** 0 = inactive; null = the upload did not say. */
  readonly globalTimerNs: TimeNs | null;
  /** Null = the upload did not say. */
  readonly lowMemoryHook: LowMemoryHookStatus | null;
  /** As it was uploaded, perhaps compressed. */
  readonly wasm: Uint8Array;
  /** Mutable globals in index order. */
  readonly globals: readonly GlobalValue[];
  readonly heapWasmPages: number;
  readonly heap: PageMap;
  readonly stableWasmPages: number;
  readonly stable: PageMap;
  readonly chunkStore: ChunkStore;
}

const LOCAL_ID_DIGITS = 16;
const GLOBAL_BYTES = 8n;

/** A snapshot's id as hex: its number in 8 big-endian bytes, then the id of its canister. */
export function snapshotIdOf(canisterId: CanisterId, localId: number): string {
  return localId.toString(16).padStart(LOCAL_ID_DIGITS, '0') + canisterId;
}

export interface SnapshotReference {
  readonly canisterId: CanisterId;
  readonly localId: number;
}

/** Undefined when the hex cannot be a snapshot's id. */
export function parseSnapshotId(hex: string): SnapshotReference | undefined {
  const localId = Number.parseInt(hex.slice(0, LOCAL_ID_DIGITS), 16);
  return hex.length > LOCAL_ID_DIGITS && Number.isSafeInteger(localId)
    ? { canisterId: hex.slice(LOCAL_ID_DIGITS) as CanisterId, localId }
    : undefined;
}

/** Parts of a snapshot that decide its size; a canister has them too. */
export type SnapshotParts = Pick<
  CanisterSnapshot,
  'certifiedData' | 'wasm' | 'globals' | 'heapWasmPages' | 'stableWasmPages' | 'chunkStore'
>;

/** What a snapshot is charged for, in bytes: full memories, however much of them is zero. */
export function snapshotBytes(parts: SnapshotParts): bigint {
  const pages = BigInt(parts.heapWasmPages + parts.stableWasmPages);
  return (
    pages * BigInt(WASM_PAGE_BYTES) +
    GLOBAL_BYTES * BigInt(parts.globals.length) +
    BigInt(parts.wasm.length) +
    BigInt(parts.certifiedData.length) +
    chunkStoreBytes(parts.chunkStore)
  );
}
