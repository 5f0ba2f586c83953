import { concatBytes } from '../../base/bytes.ts';
import { present } from '../../base/assert.ts';
import { CHUNK_BYTES } from '../limits/state-sync.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { HashHex, Height } from '../types/ids.ts';
import {
  changedChunks,
  chunkNumbers,
  chunkParts,
  filesOf,
  isSameContent,
  sizeOf,
  type FileContent,
  type NamedFile,
  type RecordCache,
} from './checkpoint-files.ts';
import { encodeManifest } from './manifest-codec.ts';
import {
  chunkHash,
  fileHash,
  MANIFEST_VERSION,
  metaManifestOf,
  rootHash,
  type ChunkInfo,
  type FileInfo,
  type Manifest,
  type MetaManifest,
} from './manifest.ts';

/** A complete state as files in chunks, with the manifest that names them. Nothing is copied: chunks are put together when asked for. */
export class Checkpoint {
  readonly height: Height;
  /** Root of the manifest: the state hash of the catch-up package. */
  readonly hash: HashHex;
  readonly manifest: Manifest;
  readonly encodedManifest: Uint8Array;
  readonly metaManifest: MetaManifest;
  readonly files: ReadonlyMap<string, HashedFile>;
  private readonly contents: readonly FileContent[];
  private indices: ReadonlyMap<HashHex, number> | undefined;

  constructor(
    height: Height,
    manifest: Manifest,
    encodedManifest: Uint8Array,
    files: readonly (readonly [path: string, file: HashedFile])[],
  ) {
    this.height = height;
    this.manifest = manifest;
    this.encodedManifest = encodedManifest;
    this.metaManifest = metaManifestOf(encodedManifest);
    this.hash = rootHash(this.metaManifest);
    this.files = new Map(files);
    this.contents = files.map(([, file]) => file.content);
  }

  /** The bytes of entry `index` of the chunk table; undefined when there is none. */
  chunkAt(index: number): Uint8Array | undefined {
    const chunk = this.manifest.chunks[index];
    if (chunk === undefined) {
      return undefined;
    }
    const content = present(this.contents[chunk.fileIndex], 'a chunk belongs to a file');
    return concatBytes(...chunkParts(content, chunk.offset / CHUNK_BYTES));
  }

  /** The chunk with this hash, if the state has it. */
  chunk(hash: HashHex): Uint8Array | undefined {
    const index = this.indexOf(hash);
    return index === undefined ? undefined : this.chunkAt(index);
  }

  has(hash: HashHex): boolean {
    return this.indexOf(hash) !== undefined;
  }

  private indexOf(hash: HashHex): number | undefined {
    this.indices ??= new Map(this.manifest.chunks.map((chunk, index) => [chunk.hash, index]));
    return this.indices.get(hash);
  }
}

export interface HashedFile {
  readonly content: FileContent;
  readonly chunks: readonly HashedChunk[];
  readonly hash: HashHex;
}

export type HashedChunk = Omit<ChunkInfo, 'fileIndex'>;

/** A chunk whose hash was taken over from the checkpoint before. */
export interface ReusedChunk {
  readonly path: string;
  readonly content: FileContent;
  readonly chunk: HashedChunk;
}

interface OpenFile {
  readonly path: string;
  readonly content: FileContent;
  readonly numbers: readonly number[];
  readonly hashes: (HashHex | undefined)[];
}

/**
 * Makes a checkpoint in portions, so that hashing a large state keeps nobody waiting. Files and
 * chunks that are the same as in the checkpoint before are not hashed again.
 */
export class CheckpointBuilder {
  readonly height: Height;
  /** Of unchanged chunks, in order of file and offset. */
  readonly reused: ReusedChunk[] = [];
  private readonly files: readonly NamedFile[];
  private readonly before: Checkpoint | undefined;
  private readonly done: (readonly [path: string, file: HashedFile])[] = [];
  private open: OpenFile | undefined;
  private openChunk = 0;

  constructor(state: ReplicatedState, before: Checkpoint | undefined, records: RecordCache) {
    this.height = state.height;
    this.files = filesOf(state, records);
    this.before = before;
  }

  /** Hashes about so many bytes; the checkpoint once all is done. */
  work(budgetBytes: number): Checkpoint | undefined {
    let left = budgetBytes;
    while (left > 0) {
      this.open ??= this.nextFile();
      if (this.open === undefined) {
        return this.finish();
      }
      left -= this.hashSome(this.open, left);
    }
    return undefined;
  }

  /** The next file with anything to be hashed; what comes before it is done. */
  private nextFile(): OpenFile | undefined {
    for (let at = this.done.length; at < this.files.length; at += 1) {
      const [path, content] = present(this.files[at], 'an index of the list');
      const before = this.before?.files.get(path);
      if (before !== undefined && isSameContent(content, before.content)) {
        this.done.push([path, before]);
        this.noteReused(path, before.content, before.chunks);
      } else {
        this.openChunk = 0;
        return this.openFile(path, content, before);
      }
    }
    return undefined;
  }

  private openFile(path: string, content: FileContent, before: HashedFile | undefined): OpenFile {
    const numbers = chunkNumbers(content);
    const known = new Map<number, HashedChunk>();
    if (before?.content.kind === 'pages' && content.kind === 'pages') {
      const changed = changedChunks(content, before.content);
      for (const chunk of before.chunks) {
        const number = chunk.offset / CHUNK_BYTES;
        if (!changed.has(number) && chunk.size === chunkSize(content, number)) {
          known.set(number, chunk);
        }
      }
    }
    this.noteReused(path, content, [...known.values()]);
    return { path, content, numbers, hashes: numbers.map((number) => known.get(number)?.hash) };
  }

  private noteReused(path: string, content: FileContent, chunks: readonly HashedChunk[]): void {
    for (const chunk of chunks) {
      this.reused.push({ path, content, chunk });
    }
  }

  private hashSome(file: OpenFile, budgetBytes: number): number {
    const { content, numbers, hashes } = file;
    let spent = 0;
    while (this.openChunk < numbers.length && spent < budgetBytes) {
      const number = present(numbers[this.openChunk], 'an index of the list');
      if (hashes[this.openChunk] === undefined) {
        hashes[this.openChunk] = chunkHash(...chunkParts(content, number));
        spent += chunkSize(content, number);
      }
      this.openChunk += 1;
    }
    if (this.openChunk === numbers.length) {
      const chunks = numbers.map((number, i) => ({
        offset: number * CHUNK_BYTES,
        size: chunkSize(content, number),
        hash: present(hashes[i], 'every chunk was hashed'),
      }));
      this.done.push([file.path, { content, chunks, hash: fileHash(chunks) }]);
      this.open = undefined;
    }
    return spent;
  }

  private finish(): Checkpoint {
    const manifest = manifestOf(this.done);
    return new Checkpoint(this.height, manifest, encodeManifest(manifest), this.done);
  }
}

function chunkSize(content: FileContent, number: number): number {
  return Math.min(CHUNK_BYTES, sizeOf(content) - number * CHUNK_BYTES);
}

function manifestOf(files: readonly (readonly [path: string, file: HashedFile])[]): Manifest {
  const infos: FileInfo[] = [];
  const chunks: ChunkInfo[] = [];
  files.forEach(([path, file], fileIndex) => {
    infos.push({ path, size: sizeOf(file.content), hash: file.hash });
    for (const { size, offset, hash } of file.chunks) {
      chunks.push({ fileIndex, size, offset, hash });
    }
  });
  return { version: MANIFEST_VERSION, files: infos, chunks };
}

/** Hashes a whole state at once. */
export function makeCheckpoint(
  state: ReplicatedState,
  before?: Checkpoint,
  records: RecordCache = new WeakMap(),
): Checkpoint {
  const builder = new CheckpointBuilder(state, before, records);
  return present(builder.work(Number.POSITIVE_INFINITY), 'an unlimited budget suffices');
}
