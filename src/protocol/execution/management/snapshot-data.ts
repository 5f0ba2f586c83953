import { assert } from '../../../base/assert.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { WASM_PAGE_BYTES, type GlobalValue } from '../../interfaces/wasm-host.ts';
import {
  MAX_CHUNK_BYTES,
  MAX_SNAPSHOT_SLICE_BYTES,
  SNAPSHOT_BASELINE_INSTRUCTIONS,
  SNAPSHOT_DATA_BASELINE_INSTRUCTIONS,
  UPLOAD_CHUNK_INSTRUCTIONS,
} from '../../limits/management.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import {
  chunkOf,
  EMPTY_CHUNK_STORE,
  hasChunk,
  withChunk,
} from '../../replicated-state/chunk-store.ts';
import { emptyPageMap } from '../../replicated-state/page-map.ts';
import {
  snapshotBytes,
  snapshotIdOf,
  type CanisterSnapshot,
} from '../../replicated-state/snapshots.ts';
import type { CanisterId, HashHex, PrincipalId } from '../../types/ids.ts';
import { unpackModule } from '../compile-module.ts';
import type { RoundState } from '../round-state.ts';
import { chargeHeapDelta } from '../scheduling/rate-limits.ts';
import type { UserError } from '../user-error.ts';
import { toListedGlobals } from '../wasm/exported-globals.ts';
import { parseModule } from '../wasm/parse.ts';
import { chunkRateError, chunkRefusal } from './chunks.ts';
import {
  chunkStoreError,
  invalidSlice,
  sliceTooLarge,
  SNAPSHOT_IMMUTABLE,
  snapshotOutOfCycles,
} from './errors.ts';
import { fixedInstructions, payInstructions, putGrown, type Reply } from './operation.ts';
import { emptyReply } from './replies.ts';
import {
  decodeDeleteSnapshot,
  decodeReadData,
  decodeUploadData,
  decodeUploadMetadata,
  type ReadKind,
  type SnapshotPart,
} from './snapshot-arguments.ts';
import { snapshotDataReply, snapshotIdReply, snapshotMetadataReply } from './snapshot-replies.ts';
import { ownSnapshot, snapshotsKept, withSnapshot } from './snapshots.ts';

const HASH_BYTES = 32;

/** Snapshots leave and enter a subnet in parts. @upstream rs/execution_environment/src/canister_manager.rs#read_snapshot_data */

export function readSnapshotMetadata(
  round: RoundState,
  canister: CanisterState,
  arg: Uint8Array,
): Reply {
  const decoded = decodeDeleteSnapshot(arg);
  const snapshot = decoded.ok ? ownSnapshot(round, canister, decoded.value.snapshotId) : decoded;
  return snapshot.ok
    ? ok(
        snapshotMetadataReply(snapshot.value, listedGlobalsOf(canister.canisterId, snapshot.value)),
      )
    : snapshot;
}

/** An upload has the list that it came with; what was taken is told in the order of its module's exports. */
function listedGlobalsOf(
  canisterId: CanisterId,
  { source, wasm, globals }: CanisterSnapshot,
): readonly GlobalValue[] {
  if (source === 'metadataUpload') {
    return globals;
  }
  const module = unpackModule(canisterId, wasm);
  assert(module.ok, 'a module that was installed can be unpacked');
  return toListedGlobals(parseModule(module.value), globals);
}

function sizeOfPart(snapshot: CanisterSnapshot, part: SnapshotPart): bigint {
  switch (part) {
    case 'wasm_module':
      return BigInt(snapshot.wasm.length);
    case 'wasm_memory':
      return BigInt(snapshot.heapWasmPages) * BigInt(WASM_PAGE_BYTES);
    case 'stable_memory':
      return BigInt(snapshot.stableWasmPages) * BigInt(WASM_PAGE_BYTES);
  }
}

/** The replica ends this text with two dots. */
function noSuchChunk(hash: Uint8Array): string {
  const bytes = `[${[...hash].map((byte) => byte.toString(16).padStart(2, '0')).join(', ')}]`;
  return hash.length === HASH_BYTES
    ? `WasmChunkHash ${bytes} not found.`
    : `Bytes ${bytes} are not a valid WasmChunkHash.`;
}

function readPart(snapshot: CanisterSnapshot, kind: ReadKind): Result<Uint8Array, UserError> {
  if (kind.part === 'wasm_chunk') {
    const chunk = chunkOf(snapshot.chunkStore, bytesToHex(kind.hash) as HashHex);
    return chunk === undefined ? err(chunkStoreError(noSuchChunk(kind.hash))) : ok(chunk);
  }
  const { part, offset, size } = kind;
  if (offset + size > sizeOfPart(snapshot, part)) {
    return err(invalidSlice(offset, size));
  }
  const [start, length] = [Number(offset), Number(size)];
  switch (part) {
    case 'wasm_module':
      return ok(snapshot.wasm.subarray(start, start + length));
    case 'wasm_memory':
      return ok(snapshot.heap.read(start, length));
    case 'stable_memory':
      return ok(snapshot.stable.read(start, length));
  }
}

export function readSnapshotData(
  round: RoundState,
  canister: CanisterState,
  sender: PrincipalId,
  arg: Uint8Array,
): Reply {
  const decoded = decodeReadData(arg);
  const snapshot = decoded.ok ? ownSnapshot(round, canister, decoded.value.snapshotId) : decoded;
  if (!decoded.ok || !snapshot.ok) {
    return decoded.ok ? (snapshot as Result<never, UserError>) : decoded;
  }
  const { kind } = decoded.value;
  const size = kind.part === 'wasm_chunk' ? BigInt(MAX_CHUNK_BYTES) : kind.size;
  if (kind.part !== 'wasm_chunk' && size > MAX_SNAPSHOT_SLICE_BYTES) {
    return err(sliceTooLarge(size, MAX_SNAPSHOT_SLICE_BYTES));
  }
  const instructions = fixedInstructions(round, SNAPSHOT_DATA_BASELINE_INSTRUCTIONS) + size;
  const broke = payInstructions(round, canister.canisterId, sender, instructions);
  if (broke !== undefined) {
    return err(snapshotOutOfCycles(broke));
  }
  const bytes = readPart(snapshot.value, kind);
  return bytes.ok ? ok(snapshotDataReply(bytes.value)) : bytes;
}

/** A new snapshot of zeros, to be filled with `uploadSnapshotData`. */
export function uploadSnapshotMetadata(
  round: RoundState,
  canister: CanisterState,
  sender: PrincipalId,
  arg: Uint8Array,
): Reply {
  const decoded = decodeUploadMetadata(arg, canister.execution?.memory64 === true);
  if (!decoded.ok) {
    return decoded;
  }
  const { replaced, wasmBytes, ...metadata } = decoded.value;
  const kept = snapshotsKept(round, canister, replaced);
  if (!kept.ok) {
    return kept;
  }
  const localId = canister.nextSnapshotId;
  const snapshot: CanisterSnapshot = {
    ...metadata,
    localId,
    source: 'metadataUpload',
    takenAtNs: round.timeNs,
    canisterVersion: canister.version,
    wasm: new Uint8Array(wasmBytes),
    heap: emptyPageMap(),
    stable: emptyPageMap(),
    chunkStore: EMPTY_CHUNK_STORE,
  };
  const snapshots = [...kept.value, snapshot];
  const grown = putGrown(round, {
    before: canister,
    after: { ...canister, snapshots, nextSnapshotId: localId + 1 },
    sender,
    instructions:
      fixedInstructions(round, SNAPSHOT_BASELINE_INSTRUCTIONS) + snapshotBytes(snapshot),
  });
  return grown.ok ? ok(snapshotIdReply(snapshotIdOf(canister.canisterId, localId))) : grown;
}

function writePart(
  snapshot: CanisterSnapshot,
  part: SnapshotPart,
  offset: number,
  chunk: Uint8Array,
): CanisterSnapshot {
  switch (part) {
    case 'wasm_module': {
      const wasm = snapshot.wasm.slice();
      wasm.set(chunk, offset);
      return { ...snapshot, wasm };
    }
    case 'wasm_memory':
      return { ...snapshot, heap: snapshot.heap.write(offset, chunk) };
    case 'stable_memory':
      return { ...snapshot, stable: snapshot.stable.write(offset, chunk) };
  }
}

export function uploadSnapshotData(
  round: RoundState,
  canister: CanisterState,
  sender: PrincipalId,
  arg: Uint8Array,
): Reply {
  const decoded = decodeUploadData(arg);
  const found = decoded.ok ? ownSnapshot(round, canister, decoded.value.snapshotId) : decoded;
  if (!decoded.ok || !found.ok) {
    return decoded.ok ? (found as Result<never, UserError>) : decoded;
  }
  const snapshot = found.value;
  if (snapshot.source !== 'metadataUpload') {
    return err(SNAPSHOT_IMMUTABLE);
  }
  const { kind, chunk } = decoded.value;
  const { canisterId } = canister;
  const tooFast = chunkRateError(round, canisterId);
  if (tooFast !== undefined) {
    return err(tooFast);
  }
  const instructions =
    kind.part === 'wasm_chunk'
      ? fixedInstructions(round, UPLOAD_CHUNK_INSTRUCTIONS)
      : BigInt(chunk.length);
  const broke = payInstructions(round, canisterId, sender, instructions);
  if (broke !== undefined) {
    return err(snapshotOutOfCycles(broke));
  }
  const before = round.canister(canisterId);
  if (kind.part === 'wasm_chunk') {
    return uploadSnapshotChunk(round, before, sender, snapshot, chunk);
  }
  const { part, offset } = kind;
  const size = BigInt(chunk.length);
  if (offset + size > sizeOfPart(snapshot, part)) {
    return err(invalidSlice(offset, size));
  }
  round.put(withSnapshot(before, writePart(snapshot, part, Number(offset), chunk)));
  chargeHeapDelta(round, canisterId, chunk.length);
  return ok(emptyReply());
}

function uploadSnapshotChunk(
  round: RoundState,
  before: CanisterState,
  sender: PrincipalId,
  snapshot: CanisterSnapshot,
  chunk: Uint8Array,
): Reply {
  const hash = bytesToHex(sha256(chunk)) as HashHex;
  if (hasChunk(snapshot.chunkStore, hash)) {
    return ok(emptyReply());
  }
  const refusal = chunkRefusal(snapshot.chunkStore, chunk);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const chunkStore = withChunk(snapshot.chunkStore, hash, chunk);
  const after = withSnapshot(before, { ...snapshot, chunkStore });
  const grown = putGrown(round, { before, after, sender, instructions: 0n });
  if (grown.ok) {
    chargeHeapDelta(round, before.canisterId, MAX_CHUNK_BYTES);
  }
  return grown.ok ? ok(emptyReply()) : grown;
}
