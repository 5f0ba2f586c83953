import { bytesToHex } from '../../../base/hex.ts';
import { concatBytes } from '../../../base/bytes.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { MAX_CHUNK_BYTES, MAX_CHUNKS, UPLOAD_CHUNK_INSTRUCTIONS } from '../../limits/management.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import {
  chunkOf,
  EMPTY_CHUNK_STORE,
  hasChunk,
  withChunk,
  type ChunkStore,
} from '../../replicated-state/chunk-store.ts';
import type { HashHex, PrincipalId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import type { UserError } from '../user-error.ts';
import { decodeUploadChunk } from './arguments.ts';
import { chunkStoreError } from './errors.ts';
import { payInstructions, putGrown, type Reply } from './operation.ts';
import { emptyReply } from './replies.ts';
import { chunkHashReply, storedChunksReply } from './snapshot-replies.ts';

/** The chunk store: modules larger than a message come in pieces. @upstream rs/execution_environment/src/canister_manager.rs#upload_chunk */

/** Why a chunk cannot be stored; undefined when it can. */
export function chunkRefusal(store: ChunkStore, chunk: Uint8Array): UserError | undefined {
  if (chunk.length > MAX_CHUNK_BYTES) {
    return chunkStoreError(
      `Wasm chunk size ${chunk.length} exceeds the maximum chunk size of ${MAX_CHUNK_BYTES}`,
    );
  }
  return store.chunks.length >= MAX_CHUNKS
    ? chunkStoreError(
        `Wasm chunk store has already reached maximum capacity of ${MAX_CHUNKS * MAX_CHUNK_BYTES} bytes`,
      )
    : undefined;
}

export function uploadChunk(
  round: RoundState,
  canister: CanisterState,
  sender: PrincipalId,
  arg: Uint8Array,
): Reply {
  const decoded = decodeUploadChunk(arg);
  if (!decoded.ok) {
    return decoded;
  }
  const { chunk } = decoded.value;
  const broke = payInstructions(round, canister.canisterId, sender, UPLOAD_CHUNK_INSTRUCTIONS);
  if (broke !== undefined) {
    return err(chunkStoreError(`Error charging for 'upload_chunk': ${broke.message}`));
  }
  const before = round.canister(canister.canisterId);
  const hash = bytesToHex(sha256(chunk)) as HashHex;
  if (hasChunk(before.chunkStore, hash)) {
    return ok(chunkHashReply(hash));
  }
  const refusal = chunkRefusal(before.chunkStore, chunk);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const after = { ...before, chunkStore: withChunk(before.chunkStore, hash, chunk) };
  const grown = putGrown(round, { before, after, sender, instructions: 0n });
  return grown.ok ? ok(chunkHashReply(hash)) : grown;
}

export function clearChunkStore(round: RoundState, canister: CanisterState): Reply {
  round.put({ ...canister, chunkStore: EMPTY_CHUNK_STORE });
  return ok(emptyReply());
}

export function storedChunks(canister: CanisterState): Reply {
  return ok(storedChunksReply(canister.chunkStore));
}

/** The module that chunks of a store make up, in the order named. */
export function assembleChunks(
  store: ChunkStore,
  hashes: readonly HashHex[],
  moduleHash: HashHex,
): Result<Uint8Array, UserError> {
  const parts: Uint8Array[] = [];
  for (const hash of hashes) {
    const chunk = chunkOf(store, hash);
    if (chunk === undefined) {
      return err(chunkStoreError(`Chunk hash ${hash} was not found`));
    }
    parts.push(chunk);
  }
  const module = concatBytes(...parts);
  const actual = bytesToHex(sha256(module));
  return actual === moduleHash
    ? ok(module)
    : err(chunkStoreError(`Wasm module hash ${actual} does not match given hash ${moduleHash}`));
}
