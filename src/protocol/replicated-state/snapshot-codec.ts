import type { Result } from '../../base/result.ts';
import { encodeCbor, type CborMap } from '../crypto/cbor.ts';
import { chunkStoreFrom, snapshotSourceFrom } from './decode-history.ts';
import { big, bytes, list, small } from './decode-fields.ts';
import { decodeWith, globalFrom, lowMemoryHookFrom, type StateCodecError } from './decode-state.ts';
import { chunkList, globalList } from './encode-state.ts';
import { emptyPageMap } from './page-map.ts';
import type { CanisterSnapshot } from './snapshots.ts';

/** A snapshot as bytes, for checkpoints: module, memory pages and chunks are files of their own. */

export function encodeSnapshot(snapshot: CanisterSnapshot): Uint8Array {
  return encodeCbor({
    localId: snapshot.localId,
    source: snapshot.source,
    takenAtNs: snapshot.takenAtNs.toString(),
    canisterVersion: snapshot.canisterVersion.toString(),
    certifiedData: snapshot.certifiedData,
    globalTimerNs: snapshot.globalTimerNs === null ? null : snapshot.globalTimerNs.toString(),
    lowMemoryHook: snapshot.lowMemoryHook,
    globals: globalList(snapshot.globals),
    heapWasmPages: snapshot.heapWasmPages,
    stableWasmPages: snapshot.stableWasmPages,
    chunks: chunkList(snapshot.chunkStore),
  });
}

function snapshotFrom(fields: CborMap): CanisterSnapshot {
  const timer = fields.get('globalTimerNs');
  const hook = fields.get('lowMemoryHook');
  return {
    localId: small(fields.get('localId')),
    source: snapshotSourceFrom(fields.get('source')),
    takenAtNs: big(fields.get('takenAtNs')),
    canisterVersion: big(fields.get('canisterVersion')),
    certifiedData: bytes(fields.get('certifiedData')),
    globalTimerNs: timer === null ? null : big(timer),
    lowMemoryHook: hook === null ? null : lowMemoryHookFrom(hook),
    wasm: new Uint8Array(0),
    globals: list(fields.get('globals')).map(globalFrom),
    heapWasmPages: small(fields.get('heapWasmPages')),
    heap: emptyPageMap(),
    stableWasmPages: small(fields.get('stableWasmPages')),
    stable: emptyPageMap(),
    chunkStore: chunkStoreFrom(fields.get('chunks')),
  };
}

/** A snapshot whose module, memories and chunks the caller fills in. */
export function decodeSnapshot(encoded: Uint8Array): Result<CanisterSnapshot, StateCodecError> {
  return decodeWith(encoded, snapshotFrom);
}
