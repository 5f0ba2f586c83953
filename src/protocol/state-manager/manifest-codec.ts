import { bytesToHex } from '../../base/hex.ts';
import { decodeUtf8 } from '../../base/utf8.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { compareText } from '../../base/bytes.ts';
import {
  CHUNK_BYTES,
  MAX_CHECKPOINT_BYTES,
  MAX_MANIFEST_FILES,
  MAX_MANIFEST_PIECES,
  SUB_MANIFEST_BYTES,
} from '../limits/state-sync.ts';
import type { HashHex } from '../types/ids.ts';
import {
  bytesOfHash,
  fileHash,
  MANIFEST_VERSION,
  type ChunkInfo,
  type FileInfo,
  type Manifest,
  type MetaManifest,
} from './manifest.ts';
import { ProtoWriter, readProtoFields, type ProtoField } from './protobuf.ts';

/**
 * Manifests as bytes: Protocol Buffers. What is read comes from peers and is checked: sizes, counts, order, overlaps and the
 * hashes of files. @upstream rs/protobuf/def/state/v1/manifest.proto
 */

const HASH_BYTES = 32;
const MAX_PATH_BYTES = 128;
const MAX_CHUNKS = MAX_CHECKPOINT_BYTES / CHUNK_BYTES + MAX_MANIFEST_FILES;
/** Twice the largest memory a canister can have on the IC (500 GiB). */
const MAX_FILE_BYTES = 2 ** 40;

export type ManifestError = CodedError<'MANIFEST_MALFORMED' | 'MANIFEST_TOO_LARGE'>;

export function encodeManifest(manifest: Manifest): Uint8Array {
  const writer = new ProtoWriter();
  const inner = new ProtoWriter();
  writer.varint(1, manifest.version);
  for (const { path, size, hash } of manifest.files) {
    inner.text(1, path);
    inner.varint(2, size);
    inner.bytes(3, bytesOfHash(hash));
    writer.entry(2, inner.take());
  }
  for (const { fileIndex, size, offset, hash } of manifest.chunks) {
    inner.varint(1, fileIndex);
    inner.varint(2, size);
    inner.varint(3, offset);
    inner.bytes(4, bytesOfHash(hash));
    writer.entry(3, inner.take());
  }
  return writer.take();
}

export function encodeMetaManifest({ version, subHashes }: MetaManifest): Uint8Array {
  const writer = new ProtoWriter();
  writer.varint(1, version);
  for (const hash of subHashes) {
    writer.entry(2, bytesOfHash(hash));
  }
  return writer.take();
}

/** Thrown inside this file only. */
class Unreadable {
  readonly error: ManifestError;
  constructor(message: string, code: ManifestError['code'] = 'MANIFEST_MALFORMED') {
    this.error = codedError(code === 'MANIFEST_TOO_LARGE' ? 'limit' : 'input', code, message);
  }
}

function attempt<T>(read: () => T): Result<T, ManifestError> {
  try {
    return ok(read());
  } catch (failure) {
    if (failure instanceof Unreadable) {
      return err(failure.error);
    }
    throw failure;
  }
}

function fieldsOf(bytes: Uint8Array): readonly ProtoField[] {
  const fields = readProtoFields(bytes);
  if (fields === undefined) {
    throw new Unreadable('not a message of this protocol');
  }
  return fields;
}

function bytesIn({ value }: ProtoField): Uint8Array {
  if (typeof value === 'number') {
    throw new Unreadable('a number where bytes belong');
  }
  return value;
}

function numberIn({ value }: ProtoField): number {
  if (typeof value !== 'number') {
    throw new Unreadable('bytes where a number belongs');
  }
  return value;
}

function hashIn(field: ProtoField): HashHex {
  const bytes = bytesIn(field);
  if (bytes.length !== HASH_BYTES) {
    throw new Unreadable('a hash has not 32 bytes');
  }
  return bytesToHex(bytes) as HashHex;
}

function readFile(bytes: Uint8Array): FileInfo {
  let path: string | undefined;
  let size = 0;
  let hash: HashHex | undefined;
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) {
      const text = bytesIn(field);
      path = text.length > MAX_PATH_BYTES ? undefined : decodeUtf8(text);
    } else if (field.field === 2) {
      size = numberIn(field);
    } else if (field.field === 3) {
      hash = hashIn(field);
    }
  }
  if (path === undefined || hash === undefined || size > MAX_FILE_BYTES) {
    throw new Unreadable('a file without usable path, size or hash');
  }
  return { path, size, hash };
}

function readChunk(bytes: Uint8Array): ChunkInfo {
  const numbers = [0, 0, 0, 0];
  let hash: HashHex | undefined;
  for (const field of fieldsOf(bytes)) {
    if (field.field === 4) {
      hash = hashIn(field);
    } else if (field.field < 4) {
      numbers[field.field] = numberIn(field);
    }
  }
  if (hash === undefined) {
    throw new Unreadable('a chunk without a hash');
  }
  const [, fileIndex = 0, size = 0, offset = 0] = numbers;
  return { fileIndex, size, offset, hash };
}

/** Reads and checks a manifest. */
export function decodeManifest(encoded: Uint8Array): Result<Manifest, ManifestError> {
  return attempt(() => {
    if (encoded.length > MAX_MANIFEST_PIECES * SUB_MANIFEST_BYTES) {
      throw new Unreadable(`a manifest of ${encoded.length} bytes`, 'MANIFEST_TOO_LARGE');
    }
    let version = 0;
    const files: FileInfo[] = [];
    const chunks: ChunkInfo[] = [];
    for (const field of fieldsOf(encoded)) {
      if (field.field === 1) {
        version = numberIn(field);
      } else if (field.field === 2) {
        files.push(readFile(bytesIn(field)));
      } else if (field.field === 3) {
        chunks.push(readChunk(bytesIn(field)));
      }
      if (files.length > MAX_MANIFEST_FILES || chunks.length > MAX_CHUNKS) {
        throw new Unreadable('a manifest of too many files or chunks', 'MANIFEST_TOO_LARGE');
      }
    }
    const manifest = { version, files, chunks };
    check(manifest);
    return manifest;
  });
}

function check({ version, files, chunks }: Manifest): void {
  if (version !== MANIFEST_VERSION) {
    throw new Unreadable(`a manifest of version ${version}`);
  }
  let total = 0;
  let next = 0;
  files.forEach((file, fileIndex) => {
    const before = files[fileIndex - 1];
    if (before !== undefined && compareText(before.path, file.path) >= 0) {
      throw new Unreadable('the files are not in order of their paths');
    }
    const first = next;
    let end = 0;
    for (let chunk = chunks[next]; chunk?.fileIndex === fileIndex; chunk = chunks[next]) {
      const { offset, size } = chunk;
      const expected = Math.min(CHUNK_BYTES, file.size - offset);
      if (offset < end || offset % CHUNK_BYTES !== 0 || expected <= 0 || size !== expected) {
        throw new Unreadable(`${file.path} has a chunk that overlaps or does not fit`);
      }
      end = offset + size;
      total += size;
      next += 1;
    }
    if (fileHash(chunks.slice(first, next)) !== file.hash) {
      throw new Unreadable(`${file.path} has not the hash of its chunks`);
    }
  });
  if (next !== chunks.length) {
    throw new Unreadable('a chunk of no file, or out of order');
  }
  if (total > MAX_CHECKPOINT_BYTES) {
    throw new Unreadable(`a checkpoint of ${total} bytes`, 'MANIFEST_TOO_LARGE');
  }
}

export function decodeMetaManifest(encoded: Uint8Array): Result<MetaManifest, ManifestError> {
  return attempt(() => {
    if (encoded.length > (MAX_MANIFEST_PIECES + 1) * (HASH_BYTES + 8)) {
      throw new Unreadable('too many pieces', 'MANIFEST_TOO_LARGE');
    }
    let version = 0;
    const subHashes: HashHex[] = [];
    for (const field of fieldsOf(encoded)) {
      if (field.field === 1) {
        version = numberIn(field);
      } else if (field.field === 2) {
        subHashes.push(hashIn(field));
      }
    }
    if (version !== MANIFEST_VERSION || subHashes.length > MAX_MANIFEST_PIECES) {
      throw new Unreadable('a meta-manifest of another version or of too many pieces');
    }
    return { version, subHashes };
  });
}
