import { present } from '../../../base/assert.ts';
import { bytesToHex, hexToBytes } from '../../../base/hex.ts';
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
import type { CanisterId, HashHex, PrincipalId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import { chargeHeapDelta, heapDeltaExcess } from '../scheduling/rate-limits.ts';
import type { UserError } from '../user-error.ts';
import { decodeUploadChunk } from './arguments.ts';
import { chunkStoreError } from './errors.ts';
import { fixedInstructions, payInstructions, putGrown, type Reply } from './operation.ts';
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

/** Chunks are refused in words of their own while the canister has changed too much memory of late. */
export function chunkRateError(round: RoundState, canisterId: CanisterId): UserError | undefined {
  const exceeded = heapDeltaExcess(round, canisterId);
  return exceeded === undefined
    ? undefined
    : chunkStoreError(
        `Canister is heap delta rate limited. Current delta debit: ${exceeded.debit}, limit: ${exceeded.limit}`,
      );
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
  const fixed = fixedInstructions(round, UPLOAD_CHUNK_INSTRUCTIONS);
  const broke = payInstructions(round, canister.canisterId, sender, fixed);
  if (broke !== undefined) {
    return err(chunkStoreError(`Error charging for 'upload_chunk': ${broke.message}`));
  }
  const before = round.canister(canister.canisterId);
  const hash = bytesToHex(sha256(chunk)) as HashHex;
  if (hasChunk(before.chunkStore, hash)) {
    return ok(chunkHashReply(hash));
  }
  const refusal =
    chunkRefusal(before.chunkStore, chunk) ?? chunkRateError(round, before.canisterId);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const after = { ...before, chunkStore: withChunk(before.chunkStore, hash, chunk) };
  const grown = putGrown(round, { before, after, sender, instructions: 0n });
  if (grown.ok) {
    chargeHeapDelta(round, before.canisterId, MAX_CHUNK_BYTES);
  }
  return grown.ok ? ok(chunkHashReply(hash)) : grown;
}

export function clearChunkStore(round: RoundState, canister: CanisterState): Reply {
  round.put({ ...canister, chunkStore: EMPTY_CHUNK_STORE });
  return ok(emptyReply());
}

export function storedChunks(canister: CanisterState): Reply {
  return ok(storedChunksReply(canister.chunkStore));
}

/** As the replica shows hashes here: decimal numbers in brackets. */
function byteList(hash: HashHex): string {
  return `[${present(hexToBytes(hash), 'a hash is hex').join(', ')}]`;
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
      return err(chunkStoreError(`Chunk hash ${byteList(hash)} was not found`));
    }
    parts.push(chunk);
  }
  const module = concatBytes(...parts);
  const actual = bytesToHex(sha256(module)) as HashHex;
  return actual === moduleHash
    ? ok(module)
    : err(
        chunkStoreError(
          `Wasm module hash ${byteList(actual)} does not match given hash WasmHash(${byteList(moduleHash)})`,
        ),
      );
}
