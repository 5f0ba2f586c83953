import { concatBytes, u32ToBytesBe } from '../../base/bytes.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import { present } from '../../base/assert.ts';
import {
  asArray,
  asMap,
  asSafeNat,
  asText,
  decodeCbor,
  encodeCbor,
  type CborInput,
  type CborValue,
} from '../crypto/cbor.ts';
import { domainSeparator } from '../crypto/domain.ts';
import { sha256 } from '../crypto/sha256.ts';
import { PAGE_BYTES, type DirtyPage } from '../interfaces/wasm-host.ts';
import { firstMemoryVersion, type CanisterState } from '../replicated-state/canister-state.ts';
import { PageMap } from '../replicated-state/page-map.ts';
import type { RadixMap } from '../replicated-state/radix-map.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { decodeCanister, decodeSystemState } from '../replicated-state/decode-state.ts';
import { encodeCanister, encodeSystemState } from '../replicated-state/encode-state.ts';
import type { HashHex, Height } from '../types/ids.ts';

/**
 * A complete state as content-addressed chunks and a manifest that names them. The manifest's hash
 * is the state hash in the catch-up package: who has the hash can check every chunk.
 * Memory pages are chunks of their own, so consecutive checkpoints share those that did not change.
 * @upstream rs/state_manager/src/manifest.rs (own file layout)
 */

export const MAX_CHUNK_BYTES = 1024 * 1024;
const MANIFEST_DOMAIN = domainSeparator('ic-state-meta-manifest');
const MANIFEST_VERSION = 1;
const PAGE_ENTRY_BYTES = 36;

export interface Checkpoint {
  readonly height: Height;
  /** Hash of the manifest, 32 bytes as hex. */
  readonly hash: HashHex;
  readonly manifest: Uint8Array;
  /** Every chunk by the hex of its SHA-256. */
  readonly chunks: ReadonlyMap<HashHex, Uint8Array>;
}

export type CheckpointError = CodedError<'MALFORMED_CHECKPOINT' | 'MISSING_CHUNK' | 'WRONG_CHUNK'>;

/** Hashes already computed, of pages and of whole files in chunks; bytes never change, so identity is enough. */
export interface HashCache {
  readonly pages: WeakMap<Uint8Array, HashHex>;
  readonly files: WeakMap<Uint8Array, readonly HashHex[]>;
}

export function createHashCache(): HashCache {
  return { pages: new WeakMap(), files: new WeakMap() };
}

class ChunkWriter {
  readonly chunks = new Map<HashHex, Uint8Array>();
  private readonly cache: HashCache;

  constructor(cache: HashCache) {
    this.cache = cache;
  }

  /** Stores a file in chunks of 1 MiB and returns their hashes. */
  file(bytes: Uint8Array): CborInput {
    const known = this.cache.files.get(bytes);
    const hashes: HashHex[] = [];
    for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + MAX_CHUNK_BYTES);
      const hash = known?.[hashes.length] ?? (bytesToHex(sha256(chunk)) as HashHex);
      this.chunks.set(hash, chunk);
      hashes.push(hash);
    }
    this.cache.files.set(bytes, hashes);
    return hashes;
  }

  /** Stores pages, and the list of their indices and hashes as a file. */
  pages(map: PageMap): CborInput {
    const list: Uint8Array[] = [];
    for (const page of map.pages()) {
      const hash = this.page(page.bytes);
      list.push(u32ToBytesBe(page.index), present(hexToBytes(hash), 'a hash is hex'));
    }
    return this.file(concatBytes(...list));
  }

  private page(bytes: Uint8Array): HashHex {
    let hash = this.cache.pages.get(bytes);
    if (hash === undefined) {
      hash = bytesToHex(sha256(bytes)) as HashHex;
      this.cache.pages.set(bytes, hash);
    }
    this.chunks.set(hash, bytes);
    return hash;
  }
}

/** Encodes a whole state. Only what is not in `cache` is hashed again. */
export function makeCheckpoint(state: ReplicatedState, cache: HashCache): Checkpoint {
  const writer = new ChunkWriter(cache);
  const canisters: CborInput[] = [];
  for (const canister of state.canisters.values()) {
    const execution = canister.execution;
    canisters.push([
      writer.file(encodeCanister(canister)),
      execution === null ? null : writer.file(execution.wasm),
      execution === null ? null : writer.pages(execution.heap),
      execution === null ? null : writer.pages(execution.stable),
    ]);
  }
  const manifest = encodeCbor({
    version: MANIFEST_VERSION,
    height: state.height,
    system: writer.file(encodeSystemState(state)),
    canisters,
  });
  return { height: state.height, hash: manifestHash(manifest), manifest, chunks: writer.chunks };
}

export function manifestHash(manifest: Uint8Array): HashHex {
  return bytesToHex(sha256(MANIFEST_DOMAIN, manifest)) as HashHex;
}

/** Thrown inside this file only. */
class Unusable {
  readonly error: CheckpointError;
  constructor(code: CheckpointError['code'], message: string) {
    this.error = codedError('input', code, message);
  }
}

class ChunkReader {
  private readonly chunk: (hash: HashHex) => Uint8Array | undefined;

  constructor(chunk: (hash: HashHex) => Uint8Array | undefined) {
    this.chunk = chunk;
  }

  file(value: CborValue | undefined): Uint8Array {
    const hashes = asArray(value)?.map((item) => asText(item));
    if (hashes === undefined) {
      throw new Unusable('MALFORMED_CHECKPOINT', 'A file of the manifest is not a list of hashes.');
    }
    return concatBytes(...hashes.map((hash) => this.verified(hash as HashHex | undefined)));
  }

  pages(value: CborValue | undefined): PageMap {
    const list = this.file(value);
    const pages: DirtyPage[] = [];
    if (list.length % PAGE_ENTRY_BYTES !== 0) {
      throw new Unusable('MALFORMED_CHECKPOINT', 'A page list has a broken entry.');
    }
    for (let at = 0; at < list.length; at += PAGE_ENTRY_BYTES) {
      const index = new DataView(list.buffer, list.byteOffset + at, 4).getUint32(0);
      const hash = bytesToHex(list.subarray(at + 4, at + PAGE_ENTRY_BYTES)) as HashHex;
      const bytes = this.verified(hash);
      if (bytes.length !== PAGE_BYTES) {
        throw new Unusable('MALFORMED_CHECKPOINT', 'A memory page has not 4096 bytes.');
      }
      pages.push({ index, bytes });
    }
    return PageMap.from(pages);
  }

  private verified(hash: HashHex | undefined): Uint8Array {
    const bytes = hash === undefined ? undefined : this.chunk(hash);
    if (bytes === undefined) {
      throw new Unusable('MISSING_CHUNK', `Chunk ${hash ?? '?'} is missing.`);
    }
    if (bytesToHex(sha256(bytes)) !== hash) {
      throw new Unusable('WRONG_CHUNK', `Chunk ${hash ?? '?'} has another content.`);
    }
    return bytes;
  }
}

/**
 * Rebuilds the state that `hash` stands for. Manifest and every chunk are checked against it, so
 * the source need not be trusted.
 */
export function restoreCheckpoint(
  hash: HashHex,
  manifest: Uint8Array,
  chunk: (hash: HashHex) => Uint8Array | undefined,
): Result<ReplicatedState, CheckpointError> {
  if (manifestHash(manifest) !== hash) {
    return err(codedError('trust', 'WRONG_CHUNK', 'The manifest does not have the expected hash.'));
  }
  try {
    return ok(restore(manifest, new ChunkReader(chunk)));
  } catch (failure) {
    if (failure instanceof Unusable) {
      return err(failure.error);
    }
    throw failure;
  }
}

/** Hashes of all chunks a manifest needs, as far as `chunk` can already tell (page lists name more). */
export function missingChunks(
  manifest: Uint8Array,
  chunk: (hash: HashHex) => Uint8Array | undefined,
): readonly HashHex[] {
  const missing = new Set<HashHex>();
  const top = decodeCbor(manifest);
  const fields = top.ok ? asMap(top.value) : undefined;
  const want = (value: CborValue | undefined): boolean => {
    let complete = true;
    for (const item of asArray(value) ?? []) {
      const hash = asText(item) as HashHex | undefined;
      if (hash !== undefined && chunk(hash) === undefined) {
        missing.add(hash);
        complete = false;
      }
    }
    return complete;
  };
  want(fields?.get('system'));
  for (const item of asArray(fields?.get('canisters')) ?? []) {
    const [meta, wasm, ...lists] = asArray(item) ?? [];
    want(meta);
    want(wasm);
    for (const list of lists) {
      if (want(list)) {
        for (const hash of pageHashesOf(list, chunk)) {
          if (chunk(hash) === undefined) {
            missing.add(hash);
          }
        }
      }
    }
  }
  return [...missing];
}

function pageHashesOf(
  list: CborValue | undefined,
  chunk: (hash: HashHex) => Uint8Array | undefined,
): readonly HashHex[] {
  const parts = (asArray(list) ?? []).map(
    (item) => chunk(asText(item) as HashHex) ?? new Uint8Array(0),
  );
  const bytes = concatBytes(...parts);
  const hashes: HashHex[] = [];
  for (let at = 0; at + PAGE_ENTRY_BYTES <= bytes.length; at += PAGE_ENTRY_BYTES) {
    hashes.push(bytesToHex(bytes.subarray(at + 4, at + PAGE_ENTRY_BYTES)) as HashHex);
  }
  return hashes;
}

function restore(manifest: Uint8Array, reader: ChunkReader): ReplicatedState {
  const decoded = decodeCbor(manifest, { canonical: true });
  const fields = decoded.ok ? asMap(decoded.value) : undefined;
  const items = asArray(fields?.get('canisters'));
  if (
    fields === undefined ||
    items === undefined ||
    asSafeNat(fields.get('version')) !== MANIFEST_VERSION
  ) {
    throw new Unusable('MALFORMED_CHECKPOINT', 'The manifest is malformed or of another version.');
  }
  const system = decodeSystemState(reader.file(fields.get('system')));
  if (!system.ok) {
    throw new Unusable('MALFORMED_CHECKPOINT', system.error.message);
  }
  let canisters: RadixMap<CanisterState> = system.value.canisters;
  for (const item of items) {
    const canister = restoreCanister(asArray(item) ?? [], reader, system.value.height);
    canisters = canisters.set(canister.canisterId, canister);
  }
  return { ...system.value, canisters };
}

function restoreCanister(
  parts: readonly CborValue[],
  reader: ChunkReader,
  height: Height,
): CanisterState {
  const [meta, wasm, heap, stable] = parts;
  const decoded = decodeCanister(reader.file(meta));
  if (!decoded.ok) {
    throw new Unusable('MALFORMED_CHECKPOINT', decoded.error.message);
  }
  const memoryVersion = firstMemoryVersion(height);
  const canister = { ...decoded.value, nextMemoryVersion: memoryVersion + 1 };
  if (canister.execution === null) {
    return canister;
  }
  const execution = {
    ...canister.execution,
    wasm: reader.file(wasm),
    heap: reader.pages(heap),
    stable: reader.pages(stable),
    memoryVersion,
  };
  return { ...canister, execution };
}
