import { compareText } from '../../base/bytes.ts';
import type { Artifact, ArtifactId, ArtifactKind, ArtifactOf } from '../types/artifacts.ts';
import { ARTIFACT_KINDS } from '../types/artifacts.ts';
import type { HashHex, Height, NodeId, TimeNs } from '../types/ids.ts';

/** An artifact in the pool with the circumstances of its arrival. */
export interface PoolEntry<A extends Artifact = Artifact> {
  readonly artifact: A;
  /** When it first came into the pool, validated or not. */
  readonly arrivedNs: TimeNs;
  /** The peer that delivered it; null for the node's own and for restored artifacts. */
  readonly from: NodeId | null;
}

/** Read access to one section; lists are in order of arrival. */
export interface SectionReader {
  at<K extends ArtifactKind>(kind: K, height: Height): readonly ArtifactOf<K>[];
  entriesAt<K extends ArtifactKind>(kind: K, height: Height): readonly PoolEntry<ArtifactOf<K>>[];
  /** Length of these lists. */
  countAt(kind: ArtifactKind, height: Height): number;
  get(id: ArtifactId): PoolEntry | undefined;
  /** Ascending heights with at least one artifact of the kind. */
  heights(kind: ArtifactKind): readonly Height[];
  minHeight(kind: ArtifactKind): Height | undefined;
  maxHeight(kind: ArtifactKind): Height | undefined;
  /** Artifacts of the kind, at all heights. */
  count(kind: ArtifactKind): number;
  readonly size: number;
  /** Nothing of any kind is below it; the lowest may be above. */
  readonly floor: Height;
  /** Grows with every change: lets readers keep what they derived. */
  readonly version: number;
}

/**
 * Readers share the lists, as reads outnumber writes by far: one that was handed out never changes
 * again, the next change replaces it.
 */
interface Bucket {
  entries: PoolEntry[];
  isHandedOut: boolean;
  /** Made when it is asked for. */
  artifacts: readonly Artifact[] | null;
}

interface KindIndex {
  readonly byHeight: Map<Height, Bucket>;
  count: number;
  minHeight: Height | undefined;
  maxHeight: Height | undefined;
}

const NOTHING: readonly never[] = [];

/** Artifacts indexed by kind, height and hash. */
export class PoolSection implements SectionReader {
  private readonly kinds: Map<ArtifactKind, KindIndex> = new Map();
  private total = 0;
  private floorHeight = Number.POSITIVE_INFINITY;
  private changes = 0;

  get size(): number {
    return this.total;
  }

  get version(): number {
    return this.changes;
  }

  get floor(): Height {
    return this.floorHeight;
  }

  entriesAt<K extends ArtifactKind>(kind: K, height: Height): readonly PoolEntry<ArtifactOf<K>>[] {
    const bucket = this.kinds.get(kind)?.byHeight.get(height);
    if (bucket === undefined) {
      return NOTHING;
    }
    bucket.isHandedOut = true;
    return bucket.entries as readonly PoolEntry[] as readonly PoolEntry<ArtifactOf<K>>[];
  }

  countAt(kind: ArtifactKind, height: Height): number {
    return this.kinds.get(kind)?.byHeight.get(height)?.entries.length ?? 0;
  }

  countFrom(kind: ArtifactKind, height: Height, from: NodeId | null): number {
    let count = 0;
    for (const entry of this.kinds.get(kind)?.byHeight.get(height)?.entries ?? NOTHING) {
      count += entry.from === from ? 1 : 0;
    }
    return count;
  }

  at<K extends ArtifactKind>(kind: K, height: Height): readonly ArtifactOf<K>[] {
    const bucket = this.kinds.get(kind)?.byHeight.get(height);
    if (bucket === undefined) {
      return NOTHING;
    }
    bucket.artifacts ??= bucket.entries.map((entry) => entry.artifact);
    return bucket.artifacts as readonly ArtifactOf<K>[];
  }

  get(id: ArtifactId): PoolEntry | undefined {
    const bucket = this.kinds.get(id.kind)?.byHeight.get(id.height);
    return bucket && findEntry(bucket.entries, id.hash);
  }

  heights(kind: ArtifactKind): readonly Height[] {
    const index = this.kinds.get(kind);
    return index === undefined ? NOTHING : [...index.byHeight.keys()].sort((a, b) => a - b);
  }

  minHeight(kind: ArtifactKind): Height | undefined {
    return this.kinds.get(kind)?.minHeight;
  }

  maxHeight(kind: ArtifactKind): Height | undefined {
    return this.kinds.get(kind)?.maxHeight;
  }

  count(kind: ArtifactKind): number {
    return this.kinds.get(kind)?.count ?? 0;
  }

  /** All entries by kind in wire order, then height, then hash. */
  all(): readonly PoolEntry[] {
    const entries: PoolEntry[] = [];
    for (const kind of ARTIFACT_KINDS) {
      for (const height of this.heights(kind)) {
        entries.push(
          ...[...this.entriesAt(kind, height)].sort((a, b) =>
            compareText(a.artifact.hash, b.artifact.hash),
          ),
        );
      }
    }
    return entries;
  }

  /** False when the artifact is already there. */
  insert(entry: PoolEntry): boolean {
    const { kind, height, hash } = entry.artifact;
    let index = this.kinds.get(kind);
    if (index === undefined) {
      index = { byHeight: new Map(), count: 0, minHeight: undefined, maxHeight: undefined };
      this.kinds.set(kind, index);
    }
    const bucket = index.byHeight.get(height);
    if (bucket === undefined) {
      index.byHeight.set(height, bucketOf([entry]));
    } else if (findEntry(bucket.entries, hash) !== undefined) {
      return false;
    } else {
      append(bucket, entry);
    }
    index.count += 1;
    this.total += 1;
    this.changes += 1;
    this.floorHeight = Math.min(this.floorHeight, height);
    index.minHeight = Math.min(index.minHeight ?? height, height);
    index.maxHeight = Math.max(index.maxHeight ?? height, height);
    return true;
  }

  remove(id: ArtifactId): PoolEntry | undefined {
    const index = this.kinds.get(id.kind);
    const entry = this.get(id);
    if (index === undefined || entry === undefined) {
      return undefined;
    }
    const rest = index.byHeight.get(id.height)?.entries.filter((other) => other !== entry) ?? [];
    index.count -= 1;
    this.total -= 1;
    this.changes += 1;
    if (rest.length > 0) {
      index.byHeight.set(id.height, bucketOf(rest));
      return entry;
    }
    index.byHeight.delete(id.height);
    if (id.height === index.minHeight || id.height === index.maxHeight) {
      refreshExtremes(index);
    }
    return entry;
  }

  /** Gives entries that arrived at `placeholder` the time `nowNs`. */
  restamp(placeholder: TimeNs, nowNs: TimeNs): void {
    for (const { byHeight } of this.kinds.values()) {
      for (const [height, { entries }] of byHeight) {
        const stamped = entries.map((entry) =>
          entry.arrivedNs === placeholder ? { ...entry, arrivedNs: nowNs } : entry,
        );
        byHeight.set(height, bucketOf(stamped));
      }
    }
    this.changes += 1;
  }

  /** Removes and returns the entries of `kinds` strictly below `height`. */
  purgeBelow(height: Height, kinds: readonly ArtifactKind[]): readonly PoolEntry[] {
    const removed: PoolEntry[] = [];
    for (const kind of kinds) {
      const index = this.kinds.get(kind);
      if (index?.minHeight === undefined || index.minHeight >= height) {
        continue;
      }
      for (const at of this.heights(kind)) {
        if (at >= height) {
          break;
        }
        const entries = this.entriesAt(kind, at);
        removed.push(...entries);
        index.count -= entries.length;
        index.byHeight.delete(at);
      }
      refreshExtremes(index);
    }
    this.total -= removed.length;
    this.changes += removed.length;
    if (removed.length > 0) {
      this.floorHeight = lowestOf(this.kinds.values());
    }
    return removed;
  }
}

function bucketOf(entries: PoolEntry[]): Bucket {
  return { entries, isHandedOut: false, artifacts: null };
}

function append(bucket: Bucket, entry: PoolEntry): void {
  if (bucket.isHandedOut) {
    // Exactly as long as it must be, unlike a list that is written out with a spread.
    bucket.entries = bucket.entries.concat(entry);
    bucket.isHandedOut = false;
  } else {
    bucket.entries.push(entry);
  }
  bucket.artifacts = null;
}

function findEntry(entries: readonly PoolEntry[], hash: HashHex): PoolEntry | undefined {
  for (const entry of entries) {
    if (entry.artifact.hash === hash) {
      return entry;
    }
  }
  return undefined;
}

function lowestOf(indexes: Iterable<KindIndex>): Height {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { minHeight } of indexes) {
    lowest = Math.min(lowest, minHeight ?? lowest);
  }
  return lowest;
}

function refreshExtremes(index: KindIndex): void {
  index.minHeight = undefined;
  index.maxHeight = undefined;
  for (const height of index.byHeight.keys()) {
    index.minHeight = Math.min(index.minHeight ?? height, height);
    index.maxHeight = Math.max(index.maxHeight ?? height, height);
  }
}
