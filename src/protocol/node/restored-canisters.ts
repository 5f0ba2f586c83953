import { canisterChanged } from '../execution/round-trace.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { CanisterId } from '../types/ids.ts';
import type { StoredNode } from './stored-node.ts';

/** Facts in one step for onlookers; a subnet with more canisters tells of the others when they change. */
const MAX_TOLD = 400;

/** What onlookers of a node that starts again must know of the canisters in its checkpoint. */
export function restoredCanisters({ restored }: StoredNode): readonly TraceEvent[] {
  if (restored === undefined) {
    return [];
  }
  const { height, canisters } = restored.state;
  return [...canisters.entries()]
    .slice(0, MAX_TOLD)
    .map(([id, canister]) => canisterChanged(height, id as CanisterId, canister));
}
