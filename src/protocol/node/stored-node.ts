import { asMap, asSafeNat, asText, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { KEPT_CHECKPOINTS, STORED_BYTES_PER_STEP } from '../limits/state-sync.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import {
  restoreCheckpoint,
  type ChunkSource,
  type RestoredCheckpoint,
} from '../state-manager/restore-checkpoint.ts';
import { decodeArtifact } from '../types/artifact-codec.ts';
import type { Artifact, ArtifactId, ArtifactKind } from '../types/artifacts.ts';
import { artifactKey } from '../types/artifacts.ts';
import type { HashHex, Height, RegistryVersion } from '../types/ids.ts';
import type { StorageJournal } from './storage-journal.ts';
import { StoredChunks, type ChunkDisk } from './stored-chunks.ts';
import { SHARE_KEY } from './stored-shares.ts';

/**
 * How a node lies on its disk: `artifact/<kind>/<height>/<hash>` validated artifacts,
 * `checkpoint/<height>` the manifest with its hash, `chunk/<hash>` the checkpoints' chunks,
 * `share/<transcript>` the node's shares of threshold keys, `registry/<version>` the versions of the
 * registry that it acts on.
 */
const ARTIFACT = 'artifact/';
const CHECKPOINT = 'checkpoint/';
export const CHUNK_KEY = 'chunk/';
const REGISTRY = 'registry/';

export interface StoredNode {
  readonly artifacts: readonly Artifact[];
  /** The newest complete checkpoint; undefined = start at genesis. */
  readonly restored: RestoredCheckpoint | undefined;
  readonly shares: ReadonlyMap<HashHex, Uint8Array>;
  /** Encoded registry versions from 1 on, without a gap. */
  readonly registry: readonly Uint8Array[];
  /** Keys of checkpoints and chunks that are damaged, or that only older checkpoints use. */
  readonly strays: readonly string[];
  /** What could not be read, in words. */
  readonly faults: readonly string[];
  /** Chunks that stay on the disk until they are needed. */
  readonly chunks: StoredChunks | undefined;
}

interface StoredCheckpoint {
  readonly height: Height;
  readonly hash: HashHex;
  readonly manifest: Uint8Array;
}

export function artifactStorageKey(id: ArtifactId): string {
  return ARTIFACT + artifactKey(id);
}

function encodeStoredCheckpoint({ height, hash, encodedManifest }: Checkpoint): Uint8Array {
  return encodeCbor({ height, hash, manifest: encodedManifest });
}

function decodeStoredCheckpoint(bytes: Uint8Array): StoredCheckpoint | undefined {
  const decoded = decodeCbor(bytes, { maxBytes: bytes.length });
  const fields = decoded.ok ? asMap(decoded.value) : undefined;
  const height = asSafeNat(fields?.get('height'));
  const hash = asText(fields?.get('hash'));
  const manifest = fields?.get('manifest');
  return height !== undefined && hash !== undefined && manifest instanceof Uint8Array
    ? { height, hash: hash as HashHex, manifest }
    : undefined;
}

/**
 * Reads what an earlier life of the node left. Damaged entries are reported and left out.
 * @param isChecked the disk has checksums: chunks need not be hashed
 * @param disk chunks that are not among the entries
 */
export function loadStoredNode(
  stored: readonly (readonly [key: string, value: Uint8Array])[],
  isChecked = false,
  disk?: ChunkDisk,
): StoredNode {
  const artifacts: Artifact[] = [];
  const found: StoredCheckpoint[] = [];
  const faults: string[] = [];
  const entries = new Map(stored);
  for (const [key, value] of stored) {
    if (key.startsWith(ARTIFACT)) {
      const artifact = decodeArtifact(value);
      if (artifact.ok && artifactStorageKey(artifact.value) === key) {
        artifacts.push(artifact.value);
      } else {
        faults.push(`${key} is damaged`);
      }
    } else if (key.startsWith(CHECKPOINT)) {
      const checkpoint = decodeStoredCheckpoint(value);
      if (checkpoint === undefined) {
        faults.push(`${key} is damaged`);
      } else {
        found.push(checkpoint);
      }
    }
  }
  const chunks = disk === undefined ? undefined : new StoredChunks(disk);
  const source: ChunkSource = {
    chunk: (name) => entries.get(CHUNK_KEY + name) ?? chunks?.chunk(name),
    isVerified: isChecked,
    pages: chunks === undefined ? undefined : (name, size) => chunks.pages(name, size),
  };
  let restored: RestoredCheckpoint | undefined;
  for (const { height, hash, manifest } of found.toSorted((a, b) => b.height - a.height)) {
    const attempt = restoreCheckpoint(hash, manifest, source);
    if (attempt.ok && attempt.value.state.height === height) {
      restored = attempt.value;
      break;
    }
    const reason = attempt.ok ? 'it is of another height' : attempt.error.message;
    faults.push(`${CHECKPOINT}${height}: ${reason}`);
  }
  return {
    artifacts,
    restored,
    shares: new Map(
      stored.flatMap(([key, value]) =>
        key.startsWith(SHARE_KEY) ? [[key.slice(SHARE_KEY.length) as HashHex, value] as const] : [],
      ),
    ),
    registry: storedRegistry(entries),
    strays: straysOf(
      [...entries.keys(), ...[...(disk?.sizes.keys() ?? [])].map((name) => CHUNK_KEY + name)],
      restored?.checkpoint,
    ),
    faults,
    chunks,
  };
}

export function registryStorageKey(version: RegistryVersion): string {
  return REGISTRY + version;
}

function storedRegistry(entries: ReadonlyMap<string, Uint8Array>): readonly Uint8Array[] {
  const versions: Uint8Array[] = [];
  for (;;) {
    const next = entries.get(registryStorageKey(versions.length + 1));
    if (next === undefined) {
      return versions;
    }
    versions.push(next);
  }
}

function straysOf(keys: readonly string[], kept: Checkpoint | undefined): readonly string[] {
  const used = new Set(kept?.manifest.chunks.map(({ hash }) => CHUNK_KEY + hash));
  used.add(CHECKPOINT + (kept?.height ?? ''));
  return keys.filter(
    (key) => (key.startsWith(CHUNK_KEY) || key.startsWith(CHECKPOINT)) && !used.has(key),
  );
}

interface Unwritten {
  readonly checkpoint: Checkpoint;
  /** Nothing older may be gone on from. */
  readonly isOnly: boolean;
  nextChunk: number;
}

/** What a node must still hold to execute the heights above its stored checkpoint once more. */
const NEEDED_TO_REPLAY: readonly ArtifactKind[] = ['blockProposal', 'randomTape', 'randomBeacon'];

/**
 * Writes checkpoints a portion at a time, so that what the node signs does not wait for a large
 * one. Chunks that two of them share are stored once; a checkpoint counts once all are there.
 */
export class CheckpointStore {
  private readonly journal: Pick<StorageJournal<unknown>, 'put' | 'delete' | 'isWriting'>;
  private readonly unread: StoredChunks | undefined;
  private readonly chunks = new Set<HashHex>();
  private readonly checkpoints = new Map<Height, readonly HashHex[]>();
  private unwritten: Unwritten[] = [];
  private neededFrom: Height = Number.POSITIVE_INFINITY;
  /** Height of the newest checkpoint that is handed to the disk completely; 0 = genesis. */
  private newest: Height = 0;
  /** Artifacts that consensus forgot and a restart would need. */
  private forgotten: ArtifactId[] = [];

  constructor(
    journal: Pick<StorageJournal<unknown>, 'put' | 'delete' | 'isWriting'>,
    stored: StoredNode,
  ) {
    this.journal = journal;
    this.unread = stored.chunks;
    if (stored.restored !== undefined) {
      this.note(stored.restored.checkpoint);
    }
    for (const key of stored.strays) {
      journal.delete(key);
    }
  }

  save(checkpoint: Checkpoint): void {
    this.unwritten.push({ checkpoint, isOnly: false, nextChunk: 0 });
  }

  /** Writes a checkpoint that was fetched; all others are dropped with it. */
  replace(checkpoint: Checkpoint): void {
    this.unwritten = [{ checkpoint, isOnly: true, nextChunk: 0 }];
  }

  /** Drops everything: the node starts at genesis. */
  clear(): void {
    this.unwritten = [];
    this.keepOnly([]);
    this.newest = 0;
  }

  /**
   * Deletes an artifact that left the pool. Of those below the catch-up package, what leads from the
   * stored checkpoint to it stays until a newer checkpoint is written: if all nodes stopped before
   * that, nobody had the package's state.
   */
  forget(id: ArtifactId, catchUpPackage: Height): void {
    const isNeeded = id.height >= this.newest && id.height < catchUpPackage;
    if (isNeeded && NEEDED_TO_REPLAY.includes(id.kind)) {
      this.forgotten.push(id);
    } else {
      this.journal.delete(artifactStorageKey(id));
    }
  }

  private forgetMore(): void {
    const due = this.forgotten;
    this.forgotten = [];
    for (const id of due) {
      this.forget(id, Number.POSITIVE_INFINITY);
    }
  }

  /** The catch-up package's height; see `StateManager.needCheckpointsFrom`. */
  needFrom(height: Height): void {
    this.neededFrom = height;
  }

  /** Hands a portion to the journal, if its last write is done; called in every step. */
  work(): void {
    const first = this.unwritten[0];
    if (first === undefined || this.journal.isWriting) {
      return;
    }
    const { checkpoint, isOnly } = first;
    const { chunks } = checkpoint.manifest;
    let left = STORED_BYTES_PER_STEP;
    for (; first.nextChunk < chunks.length && left > 0; first.nextChunk += 1) {
      const hash = chunks[first.nextChunk]?.hash as HashHex;
      const bytes = this.chunks.has(hash) ? undefined : checkpoint.chunkAt(first.nextChunk);
      if (bytes !== undefined) {
        this.chunks.add(hash);
        this.journal.put(CHUNK_KEY + hash, bytes);
        left -= bytes.length;
      }
    }
    if (first.nextChunk === chunks.length) {
      const { height } = checkpoint;
      this.unwritten.shift();
      this.journal.put(CHECKPOINT + height, encodeStoredCheckpoint(checkpoint));
      this.note(checkpoint);
      const heights = [...this.checkpoints.keys()].toSorted((a, b) => b - a);
      const kept = heights.filter((at, rank) => rank < KEPT_CHECKPOINTS || at >= this.neededFrom);
      this.keepOnly(isOnly ? [height] : kept);
      this.forgetMore();
    }
  }

  private note({ height, manifest }: Checkpoint): void {
    const hashes = manifest.chunks.map(({ hash }) => hash);
    this.checkpoints.set(height, hashes);
    this.newest = Math.max(this.newest, height);
    hashes.forEach((hash) => this.chunks.add(hash));
  }

  private keepOnly(heights: readonly Height[]): void {
    for (const height of [...this.checkpoints.keys()]) {
      if (!heights.includes(height)) {
        this.checkpoints.delete(height);
        this.journal.delete(CHECKPOINT + height);
      }
    }
    const used = new Set([...this.checkpoints.values()].flat());
    for (const hash of [...this.chunks]) {
      if (!used.has(hash)) {
        this.chunks.delete(hash);
        this.unread?.release(hash);
        this.journal.delete(CHUNK_KEY + hash);
      }
    }
  }
}
