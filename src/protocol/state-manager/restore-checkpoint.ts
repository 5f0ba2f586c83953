import { concatBytes } from '../../base/bytes.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { MAX_SNAPSHOTS_PER_CANISTER } from '../limits/management.ts';
import { CHUNK_BYTES } from '../limits/state-sync.ts';
import { PAGE_BYTES, WASM_PAGE_BYTES, type DirtyPage } from '../interfaces/wasm-host.ts';
import { firstMemoryVersion, type CanisterState } from '../replicated-state/canister-state.ts';
import { decodeCanister, decodeSystemState } from '../replicated-state/decode-state.ts';
import { chunkStoreWasmPages, type ChunkStore } from '../replicated-state/chunk-store.ts';
import { PageMap, type PageSource } from '../replicated-state/page-map.ts';
import { bootstrapRegistry, type BootstrapRegistry } from '../registry/bootstrap-registry.ts';
import { decodeTopology } from '../registry/topology-codec.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { decodeSnapshot } from '../replicated-state/snapshot-codec.ts';
import { snapshotIdOf, type CanisterSnapshot } from '../replicated-state/snapshots.ts';
import type { CanisterId, HashHex } from '../types/ids.ts';
import { Checkpoint, type HashedChunk, type HashedFile } from './checkpoint.ts';
import {
  canisterOfRecord,
  canisterPaths,
  HISTORY_PATH,
  METADATA_PATH,
  PAGES_PER_CHUNK,
  QUEUES_PATH,
  REGISTRY_FOLDER,
  TOPOLOGY_PATH,
  registryPath,
  snapshotOfRecord,
  snapshotPaths,
  type FileContent,
  type RecordCache,
} from './checkpoint-files.ts';
import { decodeManifest } from './manifest-codec.ts';
import { chunkHash, metaManifestOf, rootHash, type Manifest } from './manifest.ts';

export type CheckpointError = CodedError<'MALFORMED_CHECKPOINT' | 'MISSING_CHUNK' | 'WRONG_CHUNK'>;

export interface RestoredCheckpoint {
  readonly state: ReplicatedState;
  /** For the same bytes, so that nothing needs to be hashed again. */
  readonly checkpoint: Checkpoint;
  /** The records as they were read, for the next checkpoint. */
  readonly records: RecordCache;
}

export interface ChunkSource {
  readonly chunk: (hash: HashHex) => Uint8Array | undefined;
  /** That the chunks are those that were written is certain: they are not hashed. */
  readonly isVerified: boolean;
  /**
   * A chunk of a memory, read when one of its pages is asked for; undefined when it is not there or has
   * another size. Absent = memories are read at once.
   */
  readonly pages?: ((hash: HashHex, size: number) => PageSource | undefined) | undefined;
}

/** Thrown inside this file only. */
class Unusable {
  readonly error: CheckpointError;
  constructor(message: string, code: CheckpointError['code'] = 'MALFORMED_CHECKPOINT') {
    this.error = codedError(code === 'WRONG_CHUNK' ? 'trust' : 'input', code, message);
  }
}

/**
 * Rebuilds the state that the hash stands for. Manifest and chunks are checked against it, so the
 * source need not be trusted.
 */
export function restoreCheckpoint(
  hash: HashHex,
  encodedManifest: Uint8Array,
  source: ChunkSource,
): Result<RestoredCheckpoint, CheckpointError> {
  if (rootHash(metaManifestOf(encodedManifest)) !== hash) {
    return err(codedError('trust', 'WRONG_CHUNK', 'The manifest does not have the expected hash.'));
  }
  const manifest = decodeManifest(encodedManifest);
  if (!manifest.ok) {
    return err(codedError('input', 'MALFORMED_CHECKPOINT', manifest.error.message));
  }
  try {
    return ok(restore(manifest.value, encodedManifest, new FileReader(manifest.value, source)));
  } catch (failure) {
    if (failure instanceof Unusable) {
      return err(failure.error);
    }
    throw failure;
  }
}

/** Reads files of a checkpoint and remembers them with their hashes. */
class FileReader {
  readonly files: (readonly [path: string, file: HashedFile])[];
  private readonly manifest: Manifest;
  private readonly source: ChunkSource;
  private readonly indices: ReadonlyMap<string, number>;
  private readonly chunks: readonly (readonly HashedChunk[])[];
  private readonly read = new Map<number, HashedFile>();

  constructor(manifest: Manifest, source: ChunkSource) {
    this.manifest = manifest;
    this.source = source;
    this.files = [];
    this.indices = new Map(manifest.files.map(({ path }, index) => [path, index]));
    const chunks: HashedChunk[][] = manifest.files.map(() => []);
    for (const { fileIndex, size, offset, hash } of manifest.chunks) {
      chunks[fileIndex]?.push({ size, offset, hash });
    }
    this.chunks = chunks;
  }

  bytes(path: string): Uint8Array {
    const { index, size, chunks } = this.find(path);
    if (chunks.length !== Math.ceil(size / CHUNK_BYTES)) {
      throw new Unusable(`${path} has holes`);
    }
    const parts = chunks.map((chunk) => this.verified(chunk));
    // A copy even of one part, which may be a small window of a whole disk.
    const bytes = concatBytes(...parts);
    this.remember(index, { kind: 'bytes', bytes });
    return bytes;
  }

  memory(path: string, wasmPages: number): PageMap {
    const { index, size, chunks } = this.find(path);
    if (size !== wasmPages * WASM_PAGE_BYTES) {
      throw new Unusable(`${path} has not the size its canister says`);
    }
    const pages = this.source.pages === undefined ? this.readNow(chunks) : this.readLater(chunks);
    this.remember(index, { kind: 'pages', pages, size });
    return pages;
  }

  private readNow(chunks: readonly HashedChunk[]): PageMap {
    const list: DirtyPage[] = [];
    for (const chunk of chunks) {
      const bytes = this.verified(chunk);
      for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
        const page = (chunk.offset + at) / PAGE_BYTES;
        list.push({ index: page, bytes: bytes.subarray(at, at + PAGE_BYTES) });
      }
    }
    return PageMap.from(list);
  }

  /** The size of a memory, and so of each of its chunks, is one of whole chunks. */
  private readLater(chunks: readonly HashedChunk[]): PageMap {
    const sources = chunks.map(({ hash, size, offset }) => {
      const source = this.source.pages?.(hash, size);
      if (source === undefined) {
        throw new Unusable(`Chunk ${hash} is missing.`, 'MISSING_CHUNK');
      }
      return [offset / PAGE_BYTES, source] as const;
    });
    return PageMap.ofSources(sources, PAGES_PER_CHUNK);
  }

  /** Every file with its hashes, in order; all of them must have been read. */
  all(): readonly (readonly [path: string, file: HashedFile])[] {
    return this.manifest.files.map(({ path }, index) => {
      const file = this.read.get(index);
      if (file === undefined) {
        throw new Unusable(`${path} belongs to nothing`);
      }
      return [path, file];
    });
  }

  private find(path: string): {
    readonly index: number;
    readonly size: number;
    readonly chunks: readonly HashedChunk[];
  } {
    const index = this.indices.get(path);
    const file = index === undefined ? undefined : this.manifest.files[index];
    if (index === undefined || file === undefined) {
      throw new Unusable(`${path} is missing`);
    }
    return { index, size: file.size, chunks: this.chunks[index] ?? [] };
  }

  private remember(index: number, content: FileContent): void {
    const hash = this.manifest.files[index]?.hash as HashHex;
    this.read.set(index, { content, chunks: this.chunks[index] ?? [], hash });
  }

  private verified({ hash, size }: HashedChunk): Uint8Array {
    const bytes = this.source.chunk(hash);
    if (bytes === undefined) {
      throw new Unusable(`Chunk ${hash} is missing.`, 'MISSING_CHUNK');
    }
    if (bytes.length !== size || (!this.source.isVerified && chunkHash(bytes) !== hash)) {
      throw new Unusable(`Chunk ${hash} has another content.`, 'WRONG_CHUNK');
    }
    return bytes;
  }
}

function restore(
  manifest: Manifest,
  encodedManifest: Uint8Array,
  reader: FileReader,
): RestoredCheckpoint {
  const system = decodeSystemState({
    metadata: reader.bytes(METADATA_PATH),
    history: reader.bytes(HISTORY_PATH),
    queues: reader.bytes(QUEUES_PATH),
  });
  if (!system.ok) {
    throw new Unusable(system.error.message);
  }
  const { height } = system.value;
  const records: RecordCache = new WeakMap();
  let { canisters } = system.value;
  const snapshotIds = snapshotsByCanister(manifest);
  for (const { path } of manifest.files) {
    const canisterId = canisterOfRecord(path);
    if (canisterId !== undefined) {
      const record = reader.bytes(path);
      const snapshots = restoreSnapshots(canisterId, snapshotIds.get(canisterId) ?? [], {
        reader,
        records,
      });
      const canister = {
        ...restoreCanister(canisterId, record, reader, height),
        snapshots,
      };
      if (snapshots.some(({ localId }) => localId >= canister.nextSnapshotId)) {
        throw new Unusable(`a snapshot of ${canisterId} is newer than its canister`);
      }
      records.set(canister, record);
      canisters = canisters.set(canister.canisterId, canister);
    }
  }
  const registry = restoreRegistry(manifest, reader);
  const topology = restoreTopology(manifest, reader);
  const state = { ...system.value, registry, topology, canisters, atCheckpoint: canisters };
  const checkpoint = new Checkpoint(height, manifest, encodedManifest, reader.all());
  return { state, checkpoint, records };
}

function restoreTopology(manifest: Manifest, reader: FileReader): NetworkTopology | null {
  if (!manifest.files.some(({ path }) => path === TOPOLOGY_PATH)) {
    return null;
  }
  const topology = decodeTopology(reader.bytes(TOPOLOGY_PATH));
  if (!topology.ok) {
    throw new Unusable(topology.error.message);
  }
  return topology.value;
}

function restoreRegistry(manifest: Manifest, reader: FileReader): BootstrapRegistry | null {
  const paths = manifest.files
    .map(({ path }) => path)
    .filter((path) => path.startsWith(REGISTRY_FOLDER));
  if (paths.some((path, index) => path !== registryPath(index + 1))) {
    throw new Unusable('versions of the registry are missing');
  }
  const registry = bootstrapRegistry(paths.map((path) => reader.bytes(path)));
  if (!registry.ok) {
    throw new Unusable(registry.error.message);
  }
  return paths.length === 0 ? null : registry.value;
}

/** Ids of the snapshots that have a record, in order; one of an unknown canister ends as a file of nothing. */
function snapshotsByCanister(manifest: Manifest): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { path } of manifest.files) {
    const reference = snapshotOfRecord(path);
    if (reference !== undefined) {
      const known = found.get(reference.canisterId) ?? [];
      found.set(reference.canisterId, [...known, reference.snapshotId]);
    }
  }
  return found;
}

function restoreSnapshots(
  canisterId: string,
  ids: readonly string[],
  { reader, records }: { readonly reader: FileReader; readonly records: RecordCache },
): readonly CanisterSnapshot[] {
  if (ids.length > MAX_SNAPSHOTS_PER_CANISTER) {
    throw new Unusable(`${canisterId} has too many snapshots`);
  }
  return ids.map((id) => {
    const paths = snapshotPaths(canisterId, id);
    const record = reader.bytes(paths.record);
    const decoded = decodeSnapshot(record);
    if (!decoded.ok) {
      throw new Unusable(decoded.error.message);
    }
    if (snapshotIdOf(canisterId as CanisterId, decoded.value.localId) !== id) {
      throw new Unusable(`the record of snapshot ${id} is of another one`);
    }
    const { heapWasmPages, stableWasmPages, chunkStore } = decoded.value;
    const snapshot = {
      ...decoded.value,
      wasm: reader.bytes(paths.module),
      heap: reader.memory(paths.heap, heapWasmPages),
      stable: reader.memory(paths.stable, stableWasmPages),
      chunkStore: restoreChunks(paths.chunks, chunkStore, reader),
    };
    records.set(snapshot, record);
    return snapshot;
  });
}

function restoreChunks(path: string, store: ChunkStore, reader: FileReader): ChunkStore {
  const wasmPages = chunkStoreWasmPages(store);
  return wasmPages === 0 ? store : { ...store, pages: reader.memory(path, wasmPages) };
}

function restoreCanister(
  canisterId: string,
  record: Uint8Array,
  reader: FileReader,
  height: number,
): CanisterState {
  const decoded = decodeCanister(record);
  if (!decoded.ok) {
    throw new Unusable(decoded.error.message);
  }
  if (decoded.value.canisterId !== canisterId) {
    throw new Unusable(`the record of ${canisterId} is of another canister`);
  }
  const memoryVersion = firstMemoryVersion(height);
  const paths = canisterPaths(canisterId);
  const canister = {
    ...decoded.value,
    nextMemoryVersion: memoryVersion + 1,
    chunkStore: restoreChunks(paths.chunks, decoded.value.chunkStore, reader),
  };
  if (canister.execution === null) {
    return canister;
  }
  const { heapWasmPages, stableWasmPages } = canister.execution;
  const execution = {
    ...canister.execution,
    wasm: reader.bytes(paths.module),
    heap: reader.memory(paths.heap, heapWasmPages),
    stable: reader.memory(paths.stable, stableWasmPages),
    memoryVersion,
  };
  return { ...canister, execution };
}
