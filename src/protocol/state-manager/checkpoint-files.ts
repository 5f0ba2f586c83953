import { CHUNK_BYTES } from '../limits/state-sync.ts';
import { PAGE_BYTES, WASM_PAGE_BYTES } from '../interfaces/wasm-host.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { chunkStoreWasmPages, type ChunkStore } from '../replicated-state/chunk-store.ts';
import { encodeCanister, encodeSystemState } from '../replicated-state/encode-state.ts';
import type { PageMap } from '../replicated-state/page-map.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { encodeSnapshot } from '../replicated-state/snapshot-codec.ts';
import { snapshotIdOf, type CanisterSnapshot } from '../replicated-state/snapshots.ts';
import type { CanisterId, RegistryVersion } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { encodeTopology } from '../registry/topology-codec.ts';

/**
 * The files a state consists of. Paths are the IC's, but for the endings: records are CBOR here,
 * and a memory is one file with holes instead of a set of overlays.
 * @upstream rs/state_layout/src/state_layout.rs
 */
export type FileContent =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A memory; what is not in the map is zero and, chunk by chunk, left out. */
  | { readonly kind: 'pages'; readonly pages: PageMap; readonly size: number };

export type NamedFile = readonly [path: string, content: FileContent];

/** Versions of the registry, one file each; on the root subnet of a network of several. */
export const REGISTRY_FOLDER = 'registry/';
const CANISTERS = 'canister_states/';
export const METADATA_PATH = 'system_metadata.cbor';
/** Where there are several subnets. */
export const TOPOLOGY_PATH = 'network_topology.cbor';
export const HISTORY_PATH = 'ingress_history.cbor';
export const QUEUES_PATH = 'subnet_queues.cbor';
const RECORD = 'canister.cbor';
const SNAPSHOTS = 'snapshots/';
const SNAPSHOT_RECORD = 'snapshot.cbor';
export const PAGES_PER_CHUNK: number = CHUNK_BYTES / PAGE_BYTES;

export function registryPath(version: RegistryVersion): string {
  return `${REGISTRY_FOLDER}${version.toString(16).padStart(16, '0')}.cbor`;
}

export interface CanisterPaths {
  readonly record: string;
  readonly module: string;
  readonly heap: string;
  readonly stable: string;
  readonly chunks: string;
}

function pathsIn(folder: string, record: string): CanisterPaths {
  return {
    record: folder + record,
    module: `${folder}software.wasm`,
    stable: `${folder}stable_memory.bin`,
    heap: `${folder}vmemory_0.bin`,
    chunks: `${folder}wasm_chunk_store.bin`,
  };
}

export function canisterPaths(canisterId: CanisterId | string): CanisterPaths {
  return pathsIn(`${CANISTERS}${canisterId}/`, RECORD);
}

/** @param snapshotId see `snapshotIdOf` */
export function snapshotPaths(canisterId: CanisterId | string, snapshotId: string): CanisterPaths {
  return pathsIn(`${SNAPSHOTS}${canisterId}/${snapshotId}/`, SNAPSHOT_RECORD);
}

/** The snapshot whose record lies at `path`; undefined when it is another file. */
export function snapshotOfRecord(
  path: string,
): { readonly canisterId: string; readonly snapshotId: string } | undefined {
  if (!path.startsWith(SNAPSHOTS) || !path.endsWith(`/${SNAPSHOT_RECORD}`)) {
    return undefined;
  }
  const [, canisterId, snapshotId, ...rest] = path.split('/');
  return canisterId === undefined || snapshotId === undefined || rest.length !== 1
    ? undefined
    : { canisterId, snapshotId };
}

/** The canister whose record lies at `path`; undefined when it is another file. */
export function canisterOfRecord(path: string): string | undefined {
  return path.startsWith(CANISTERS) && path.endsWith(`/${RECORD}`)
    ? path.slice(CANISTERS.length, -RECORD.length - 1)
    : undefined;
}

/** Encoded records: a canister or snapshot that did not change is not encoded again. */
export type RecordCache = WeakMap<CanisterState | CanisterSnapshot, Uint8Array>;

const encodedTopologies = new WeakMap<NetworkTopology, Uint8Array>();

/** The same object for the same topology: its chunk is not hashed again. */
function topologyBytes(topology: NetworkTopology): Uint8Array {
  const bytes = encodedTopologies.get(topology) ?? encodeTopology(topology);
  encodedTopologies.set(topology, bytes);
  return bytes;
}

/** All files of a state in ascending order of path. */
export function filesOf(state: ReplicatedState, records: RecordCache): readonly NamedFile[] {
  const files: NamedFile[] = [];
  const add = (path: string, bytes: Uint8Array): void => {
    files.push([path, { kind: 'bytes', bytes }]);
  };
  for (const canister of state.canisters.values()) {
    const paths = canisterPaths(canister.canisterId);
    const record = records.get(canister) ?? encodeCanister(canister);
    records.set(canister, record);
    add(paths.record, record);
    const { execution } = canister;
    if (execution !== null) {
      const { heap, heapWasmPages, stable, stableWasmPages } = execution;
      add(paths.module, execution.wasm);
      files.push(
        [paths.stable, { kind: 'pages', pages: stable, size: stableWasmPages * WASM_PAGE_BYTES }],
        [paths.heap, { kind: 'pages', pages: heap, size: heapWasmPages * WASM_PAGE_BYTES }],
      );
    }
    files.push(...chunkFiles(paths.chunks, canister.chunkStore));
  }
  const { metadata, history, queues } = encodeSystemState(state);
  add(HISTORY_PATH, history);
  if (state.topology !== null) {
    add(TOPOLOGY_PATH, topologyBytes(state.topology));
  }
  state.registry?.deltas.forEach((delta, index) => add(registryPath(index + 1), delta));
  for (const canister of state.canisters.values()) {
    for (const snapshot of canister.snapshots) {
      files.push(...snapshotFiles(canister.canisterId, snapshot, records));
    }
  }
  add(QUEUES_PATH, queues);
  add(METADATA_PATH, metadata);
  return files;
}

function snapshotFiles(
  canisterId: CanisterId,
  snapshot: CanisterSnapshot,
  records: RecordCache,
): readonly NamedFile[] {
  const paths = snapshotPaths(canisterId, snapshotIdOf(canisterId, snapshot.localId));
  const record = records.get(snapshot) ?? encodeSnapshot(snapshot);
  records.set(snapshot, record);
  const { heap, heapWasmPages, stable, stableWasmPages } = snapshot;
  return [
    [paths.record, { kind: 'bytes', bytes: record }],
    [paths.module, { kind: 'bytes', bytes: snapshot.wasm }],
    [paths.stable, { kind: 'pages', pages: stable, size: stableWasmPages * WASM_PAGE_BYTES }],
    [paths.heap, { kind: 'pages', pages: heap, size: heapWasmPages * WASM_PAGE_BYTES }],
    ...chunkFiles(paths.chunks, snapshot.chunkStore),
  ];
}

/** An empty store has no file. */
function chunkFiles(path: string, store: ChunkStore): readonly NamedFile[] {
  const size = chunkStoreWasmPages(store) * WASM_PAGE_BYTES;
  return size === 0 ? [] : [[path, { kind: 'pages', pages: store.pages, size }]];
}

export function sizeOf(content: FileContent): number {
  return content.kind === 'bytes' ? content.bytes.length : content.size;
}

export function isSameContent(a: FileContent, b: FileContent): boolean {
  return a.kind === 'bytes'
    ? b.kind === 'bytes' && a.bytes === b.bytes
    : b.kind === 'pages' && a.pages === b.pages && a.size === b.size;
}

/** Numbers of the chunks that are part of the file, ascending: all of bytes, of a memory those with anything in them. */
export function chunkNumbers(content: FileContent): readonly number[] {
  if (content.kind === 'bytes') {
    return Array.from({ length: Math.ceil(content.bytes.length / CHUNK_BYTES) }, (_, i) => i);
  }
  return [...content.pages.groups(PAGES_PER_CHUNK)];
}

/** Numbers of the chunks of a memory that are not surely the same as in an earlier version of it. */
export function changedChunks(content: FileContent, before: FileContent): ReadonlySet<number> {
  const changed = new Set<number>();
  if (content.kind === 'pages' && before.kind === 'pages') {
    for (const index of content.pages.changedIndices(before.pages)) {
      changed.add(Math.floor(index / PAGES_PER_CHUNK));
    }
  }
  return changed;
}

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

/** The content of a chunk in parts that must not be written to. */
export function chunkParts(content: FileContent, number: number): readonly Uint8Array[] {
  const start = number * CHUNK_BYTES;
  if (content.kind === 'bytes') {
    return [content.bytes.subarray(start, start + CHUNK_BYTES)];
  }
  const parts: Uint8Array[] = [];
  const first = number * PAGES_PER_CHUNK;
  const end = Math.min(first + PAGES_PER_CHUNK, content.size / PAGE_BYTES);
  for (let page = first; page < end; page += 1) {
    parts.push(content.pages.get(page) ?? ZERO_PAGE);
  }
  return parts;
}
