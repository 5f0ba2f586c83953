import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { present } from '../../base/assert.ts';
import { concatBytes, u32ToBytesBe } from '../../base/bytes.ts';
import { domainSeparator } from '../crypto/domain.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { HashHex } from '../types/ids.ts';
import { SUB_MANIFEST_BYTES } from '../limits/state-sync.ts';

/**
 * The manifest of a checkpoint, version 3 of the IC: which files it has and which chunks those
 * consist of. Its hash, over the hashes of its pieces, is the state hash of the catch-up package:
 * who has the package can check every chunk, whoever delivers it.
 * @upstream rs/state_manager/src/manifest.rs, rs/state_manager/src/manifest/hash.rs
 */
export interface Manifest {
  readonly version: number;
  /** In ascending order of path. */
  readonly files: readonly FileInfo[];
  /** In order of file and offset. */
  readonly chunks: readonly ChunkInfo[];
}

export interface FileInfo {
  readonly path: string;
  /** Bytes, holes included. */
  readonly size: number;
  readonly hash: HashHex;
}

export interface ChunkInfo {
  readonly fileIndex: number;
  readonly size: number;
  readonly offset: number;
  readonly hash: HashHex;
}

export const MANIFEST_VERSION = 3;

/** Hashed in front of a chunk's bytes. */
export const CHUNK_DOMAIN: Uint8Array = domainSeparator('ic-state-chunk');
const FILE_DOMAIN = domainSeparator('ic-state-file');
const SUB_MANIFEST_DOMAIN = domainSeparator('ic-state-sub-manifest');
const META_MANIFEST_DOMAIN = domainSeparator('ic-state-meta-manifest');
const CHUNK_ENTRY_BYTES = 4 + 8 + 32;

/** Hash of a chunk's content, given in one or several parts. */
export function chunkHash(...parts: readonly Uint8Array[]): HashHex {
  return bytesToHex(sha256(CHUNK_DOMAIN, ...parts)) as HashHex;
}

/** Hash of a file: of its chunks' sizes, offsets and hashes. */
export function fileHash(chunks: readonly Omit<ChunkInfo, 'fileIndex'>[]): HashHex {
  const table = new Uint8Array(chunks.length * CHUNK_ENTRY_BYTES);
  const view = new DataView(table.buffer);
  chunks.forEach(({ size, offset, hash }, i) => {
    const at = i * CHUNK_ENTRY_BYTES;
    view.setUint32(at, size);
    view.setBigUint64(at + 4, BigInt(offset));
    table.set(bytesOfHash(hash), at + 12);
  });
  return bytesToHex(sha256(FILE_DOMAIN, u32ToBytesBe(chunks.length), table)) as HashHex;
}

export function subManifestHash(piece: Uint8Array): HashHex {
  return bytesToHex(sha256(SUB_MANIFEST_DOMAIN, piece)) as HashHex;
}

/** The state hash. */
export function rootHash({ version, subHashes }: MetaManifest): HashHex {
  return bytesToHex(
    sha256(
      META_MANIFEST_DOMAIN,
      u32ToBytesBe(version),
      u32ToBytesBe(subHashes.length),
      concatBytes(...subHashes.map(bytesOfHash)),
    ),
  ) as HashHex;
}

/** What is fetched first: hashes of the manifest's pieces. */
export interface MetaManifest {
  readonly version: number;
  readonly subHashes: readonly HashHex[];
}

/** The encoded manifest in the pieces that are hashed and fetched one by one. */
export function manifestPieces(encoded: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < encoded.length; at += SUB_MANIFEST_BYTES) {
    pieces.push(encoded.subarray(at, at + SUB_MANIFEST_BYTES));
  }
  return pieces;
}

export function metaManifestOf(encoded: Uint8Array): MetaManifest {
  return { version: MANIFEST_VERSION, subHashes: manifestPieces(encoded).map(subManifestHash) };
}

export function bytesOfHash(hash: HashHex): Uint8Array {
  return present(hexToBytes(hash), 'a hash is hex');
}
