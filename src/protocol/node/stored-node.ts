import { asMap, asSafeNat, asText, asArray, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { restoreCheckpoint } from '../state-manager/checkpoint.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { decodeArtifact } from '../types/artifact-codec.ts';
import type { Artifact, ArtifactId } from '../types/artifacts.ts';
import { artifactKey } from '../types/artifacts.ts';
import type { HashHex, Height } from '../types/ids.ts';
import type { StorageJournal } from './storage-journal.ts';
import { SHARE_KEY } from './stored-shares.ts';

/**
 * How a node lies on its disk: `artifact/<kind>/<height>/<hash>` validated artifacts,
 * `checkpoint/<height>` the manifest with its hash, `chunk/<hash>` the checkpoints' chunks,
 * `share/<transcript>` the node's shares of threshold keys.
 */
const ARTIFACT = 'artifact/';
const CHECKPOINT = 'checkpoint/';
const CHUNK = 'chunk/';
const KEPT_CHECKPOINTS = 2;

export interface StoredNode {
  readonly artifacts: readonly Artifact[];
  /** The newest complete checkpoint; undefined = start at genesis. */
  readonly state: ReplicatedState | undefined;
  readonly shares: ReadonlyMap<HashHex, Uint8Array>;
  readonly chunks: ReadonlySet<HashHex>;
  readonly checkpoints: ReadonlyMap<Height, readonly HashHex[]>;
  /** What could not be read, in words. */
  readonly faults: readonly string[];
}

interface StoredCheckpoint {
  readonly height: Height;
  readonly hash: HashHex;
  readonly manifest: Uint8Array;
  readonly chunks: readonly HashHex[];
}

export function artifactStorageKey(id: ArtifactId): string {
  return ARTIFACT + artifactKey(id);
}

function encodeStoredCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return encodeCbor({
    height: checkpoint.height,
    hash: checkpoint.hash,
    manifest: checkpoint.manifest,
    chunks: [...checkpoint.chunks.keys()],
  });
}

function decodeStoredCheckpoint(bytes: Uint8Array): StoredCheckpoint | undefined {
  const decoded = decodeCbor(bytes, { maxBytes: bytes.length });
  const fields = decoded.ok ? asMap(decoded.value) : undefined;
  const height = asSafeNat(fields?.get('height'));
  const hash = asText(fields?.get('hash'));
  const manifest = fields?.get('manifest');
  const chunks = asArray(fields?.get('chunks'));
  if (height === undefined || hash === undefined || chunks === undefined) {
    return undefined;
  }
  return manifest instanceof Uint8Array
    ? {
        height,
        hash: hash as HashHex,
        manifest,
        chunks: chunks.flatMap((chunk) => (asText(chunk) ?? []) as HashHex | []),
      }
    : undefined;
}

/** Reads what an earlier life of the node left. Damaged entries are reported and left out. */
export function loadStoredNode(
  stored: readonly (readonly [key: string, value: Uint8Array])[],
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
  let state: ReplicatedState | undefined;
  for (const { height, hash, manifest } of found.toSorted((a, b) => b.height - a.height)) {
    const restored = restoreCheckpoint(hash, manifest, (chunk) => entries.get(CHUNK + chunk));
    if (restored.ok) {
      state = restored.value;
      break;
    }
    faults.push(`${CHECKPOINT}${height}: ${restored.error.message}`);
  }
  return {
    artifacts,
    state,
    shares: new Map(
      stored.flatMap(([key, value]) =>
        key.startsWith(SHARE_KEY) ? [[key.slice(SHARE_KEY.length) as HashHex, value] as const] : [],
      ),
    ),
    chunks: new Set(
      stored.flatMap(([key]) =>
        key.startsWith(CHUNK) ? [key.slice(CHUNK.length) as HashHex] : [],
      ),
    ),
    checkpoints: new Map(found.map(({ height, chunks }) => [height, chunks])),
    faults,
  };
}

/** Writes checkpoints so that chunks two of them share are stored once. */
export class CheckpointStore {
  private readonly journal: Pick<StorageJournal<unknown>, 'put' | 'delete'>;
  private readonly chunks: Set<HashHex>;
  private readonly checkpoints: Map<Height, readonly HashHex[]>;

  constructor(journal: Pick<StorageJournal<unknown>, 'put' | 'delete'>, stored: StoredNode) {
    this.journal = journal;
    this.chunks = new Set(stored.chunks);
    this.checkpoints = new Map(stored.checkpoints);
  }

  save(checkpoint: Checkpoint): void {
    for (const [hash, bytes] of checkpoint.chunks) {
      if (!this.chunks.has(hash)) {
        this.chunks.add(hash);
        this.journal.put(CHUNK + hash, bytes);
      }
    }
    this.journal.put(CHECKPOINT + checkpoint.height, encodeStoredCheckpoint(checkpoint));
    this.checkpoints.set(checkpoint.height, [...checkpoint.chunks.keys()]);
    this.dropOld();
  }

  private dropOld(): void {
    const heights = [...this.checkpoints.keys()].toSorted((a, b) => b - a);
    for (const height of heights.slice(KEPT_CHECKPOINTS)) {
      this.checkpoints.delete(height);
      this.journal.delete(CHECKPOINT + height);
    }
    const used = new Set([...this.checkpoints.values()].flat());
    for (const hash of [...this.chunks]) {
      if (!used.has(hash)) {
        this.chunks.delete(hash);
        this.journal.delete(CHUNK + hash);
      }
    }
  }
}
