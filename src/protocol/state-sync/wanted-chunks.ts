import { concatBytes } from '../../base/bytes.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import {
  FIRST_FILE_CHUNK,
  FIRST_GROUP_CHUNK,
  FIRST_MANIFEST_CHUNK,
  fileGroups,
  META_MANIFEST_CHUNK,
} from '../state-manager/chunk-ids.ts';
import { SUB_MANIFEST_BYTES } from '../limits/state-sync.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import { decodeManifest, decodeMetaManifest } from '../state-manager/manifest-codec.ts';
import {
  chunkHash,
  rootHash,
  subManifestHash,
  type Manifest,
  type MetaManifest,
} from '../state-manager/manifest.ts';
import type { HashHex } from '../types/ids.ts';

export type ChunkFault = CodedError<'STATE_CHUNK_WRONG' | 'STATE_UNREADABLE'>;

/**
 * What is there and what is missing of one checkpoint. Every part is checked against the root
 * before it counts: meta-manifest, then the manifest's pieces, then groups and chunks.
 */
export class WantedChunks {
  /** Verified chunks by hash. */
  readonly chunks: Map<HashHex, Uint8Array>;
  private readonly root: HashHex;
  private readonly own: Pick<Checkpoint, 'has' | 'chunk'> | undefined;
  /** Chunks of the own checkpoint, not checked yet, as entries of the table. */
  private unchecked: number[] = [];
  private meta: MetaManifest | undefined;
  private pieces: (Uint8Array | undefined)[] = [];
  private manifest: Manifest | undefined;
  private groups: readonly (readonly number[])[] = [];
  private total = 0;
  private left = 0;
  private encoded: Uint8Array | undefined;
  /** By id; several entries of the table may have the same content, one of them is asked for. */
  private missing = new Set<number>([META_MANIFEST_CHUNK]);

  /**
   * @param known verified chunks of an older target
   * @param own a checkpoint of the node's own, whose memory may have gone wrong
   */
  constructor(
    root: HashHex,
    known: Map<HashHex, Uint8Array>,
    own: Pick<Checkpoint, 'has' | 'chunk'> | undefined,
  ) {
    this.root = root;
    this.chunks = known;
    this.own = own;
  }

  get missingIds(): ReadonlySet<number> {
    return this.missing;
  }

  get encodedManifest(): Uint8Array | undefined {
    return this.missing.size === 0 && this.unchecked.length === 0 ? this.encoded : undefined;
  }

  /** Chunks of the table, each content counted once; 0 of 0 until the manifest is there. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: this.total - this.left, total: this.total };
  }

  get isChecking(): boolean {
    return this.unchecked.length > 0;
  }

  /** Checks so many bytes of own chunks; those that are not what they were are to be fetched. */
  checkOwn(budgetBytes: number): void {
    for (let left = budgetBytes; left > 0 && this.unchecked.length > 0; ) {
      const index = this.unchecked.pop() as number;
      const chunk = this.manifest?.chunks[index];
      const bytes = chunk && this.own?.chunk(chunk.hash);
      if (chunk !== undefined && bytes !== undefined && chunkHash(bytes) === chunk.hash) {
        this.chunks.set(chunk.hash, bytes);
        this.left -= 1;
      } else {
        this.missing.add(FIRST_FILE_CHUNK + index);
      }
      left -= chunk?.size ?? 0;
    }
  }

  /** Takes a part that a peer sent. What is wrong with it is the peer's fault unless it is unreadable. */
  take(id: number, bytes: Uint8Array): Result<void, ChunkFault> {
    if (id === META_MANIFEST_CHUNK) {
      return this.takeMeta(bytes);
    }
    if (id >= FIRST_MANIFEST_CHUNK) {
      return this.takePiece(id, bytes);
    }
    const indices = id >= FIRST_GROUP_CHUNK ? this.groups[id - FIRST_GROUP_CHUNK] : undefined;
    return this.takeChunks(id, indices ?? [id - FIRST_FILE_CHUNK], bytes);
  }

  private takeMeta(bytes: Uint8Array): Result<void, ChunkFault> {
    const meta = decodeMetaManifest(bytes);
    if (!meta.ok || rootHash(meta.value) !== this.root) {
      return wrong('the meta-manifest does not have the signed hash');
    }
    this.meta = meta.value;
    this.pieces = meta.value.subHashes.map(() => undefined);
    this.missing = new Set(this.pieces.map((_, i) => FIRST_MANIFEST_CHUNK + i));
    return this.pieces.length === 0 ? unreadable('the manifest is empty') : ok(undefined);
  }

  private takePiece(id: number, bytes: Uint8Array): Result<void, ChunkFault> {
    const index = id - FIRST_MANIFEST_CHUNK;
    if (
      bytes.length > SUB_MANIFEST_BYTES ||
      this.meta?.subHashes[index] !== subManifestHash(bytes)
    ) {
      return wrong('a piece of the manifest does not have its hash');
    }
    this.pieces[index] = bytes;
    this.missing.delete(id);
    return this.missing.size > 0 ? ok(undefined) : this.readManifest();
  }

  private readManifest(): Result<void, ChunkFault> {
    const encoded = concatBytes(...this.pieces.flatMap((piece) => piece ?? []));
    const manifest = decodeManifest(encoded);
    if (!manifest.ok) {
      return unreadable(manifest.error.message);
    }
    this.encoded = encoded;
    this.manifest = manifest.value;
    this.pieces = [];
    const { chunks } = manifest.value;
    const needed = new Map<HashHex, number>();
    chunks.forEach(({ hash }, index) => needed.set(hash, index));
    for (const hash of [...this.chunks.keys()]) {
      if (!needed.has(hash)) {
        this.chunks.delete(hash);
      }
    }
    this.total = needed.size;
    this.chunks.forEach((_, hash) => needed.delete(hash));
    this.left = needed.size;
    for (const [hash, index] of [...needed]) {
      if (this.own?.has(hash) === true) {
        this.unchecked.push(index);
        needed.delete(hash);
      }
    }
    this.groups = fileGroups(manifest.value);
    this.groups.forEach((group, index) => {
      const hashes = group.map((entry) => chunks[entry]?.hash as HashHex);
      if (hashes.some((hash) => needed.has(hash))) {
        this.missing.add(FIRST_GROUP_CHUNK + index);
        hashes.forEach((hash) => needed.delete(hash));
      }
    });
    for (const index of needed.values()) {
      this.missing.add(FIRST_FILE_CHUNK + index);
    }
    return ok(undefined);
  }

  private takeChunks(
    id: number,
    indices: readonly number[],
    bytes: Uint8Array,
  ): Result<void, ChunkFault> {
    let at = 0;
    for (const index of indices) {
      const chunk = this.manifest?.chunks[index];
      if (chunk === undefined) {
        return wrong('the manifest has no such chunk');
      }
      const part = bytes.subarray(at, at + chunk.size);
      if (part.length !== chunk.size || chunkHash(part) !== chunk.hash) {
        return wrong('a chunk does not have its hash');
      }
      this.left -= this.chunks.has(chunk.hash) ? 0 : 1;
      this.chunks.set(chunk.hash, part);
      at += chunk.size;
    }
    if (at !== bytes.length) {
      return wrong('a chunk has more bytes than the manifest says');
    }
    this.missing.delete(id);
    return ok(undefined);
  }
}

function wrong(message: string): Result<void, ChunkFault> {
  return err(codedError('trust', 'STATE_CHUNK_WRONG', message));
}

function unreadable(message: string): Result<void, ChunkFault> {
  return err(codedError('input', 'STATE_UNREADABLE', message));
}
