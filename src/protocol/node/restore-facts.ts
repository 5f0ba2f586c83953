import { canisterChanged } from '../execution/round-trace.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { CanisterId } from '../types/ids.ts';
import type { StoredNode } from './stored-node.ts';

/** Facts in one step for onlookers; a subnet with more canisters tells of the others when they change. */
const MAX_TOLD = 400;

/** What onlookers of a node that starts learn: what is damaged, the canisters of its checkpoint, where it goes on. */
export function factsOfRestore({ restored, faults }: StoredNode): readonly TraceEvent[] {
  const height = restored?.state.height ?? 0;
  const canisters = [...(restored?.state.canisters.entries() ?? [])].slice(0, MAX_TOLD);
  return [
    ...faults.map(
      (message): TraceEvent => ({ kind: 'criticalError', code: 'STORAGE_DAMAGED', message }),
    ),
    ...canisters.map(([id, canister]) => canisterChanged(height, id as CanisterId, canister)),
    { kind: 'caughtUp', height, from: restored === undefined ? 'genesis' : 'checkpoint' },
  ];
}
