import { equalBytes } from '../../../base/bytes.ts';
import { PAGE_BYTES } from '../../interfaces/wasm-host.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import { emptyPageMap, type PageMap } from '../../replicated-state/page-map.ts';
import type { CanisterSnapshot } from '../../replicated-state/snapshots.ts';
import type { CanisterId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';

/**
 * What the next checkpoint would have to write for memories that a snapshot copies: pages whose
 * content is not in the last checkpoint. Content decides, not which object holds it: a node that
 * began with the checkpoint's files must count the same as one that made it.
 * @upstream rs/replicated_state/src/canister_snapshots.rs#heap_delta
 */

type Memories = Pick<CanisterSnapshot, 'heap' | 'stable' | 'chunkStore'>;

function memoriesOf(canister: CanisterState | undefined): Memories | undefined {
  return canister === undefined
    ? undefined
    : {
        heap: canister.execution?.heap ?? emptyPageMap(),
        stable: canister.execution?.stable ?? emptyPageMap(),
        chunkStore: canister.chunkStore,
      };
}

function changedPages(after: PageMap, before: PageMap): number {
  let count = 0;
  for (const index of after.changedIndices(before)) {
    const [one, other] = [after.get(index), before.get(index)];
    count += one === other || (one && other && equalBytes(one, other)) === true ? 0 : 1;
  }
  return count;
}

/**
 * Bytes of a snapshot's memories that the last checkpoint does not hold, neither for the snapshot nor,
 * if that is younger, for its canister.
 */
export function snapshotHeapDelta(
  round: RoundState,
  owner: CanisterId,
  { localId, source, heap, stable, chunkStore }: CanisterSnapshot,
): number {
  const canister = round.atCheckpoint.get(owner);
  const known =
    canister?.snapshots.find((snapshot) => snapshot.localId === localId) ??
    (source === 'takenFromCanister' ? memoriesOf(canister) : undefined);
  const none = emptyPageMap();
  const pages =
    changedPages(heap, known?.heap ?? none) +
    changedPages(stable, known?.stable ?? none) +
    changedPages(chunkStore.pages, known?.chunkStore.pages ?? none);
  return pages * PAGE_BYTES;
}
