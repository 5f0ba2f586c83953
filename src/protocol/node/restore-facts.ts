import { canisterChanged } from '../execution/round-trace.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { streamFactsOf } from '../messaging/stream-drafts.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { CanisterId } from '../types/ids.ts';
import type { StoredNode } from './stored-node.ts';

/** Facts in one step for onlookers; a subnet with more canisters tells of the others when they change. */
const MAX_TOLD = 400;

/** Where the streams of a state stand. */
export function factsOfStreams({
  height,
  subnetId,
  streams,
}: ReplicatedState): readonly TraceEvent[] {
  return streamFactsOf(subnetId, streams).map((stream) => ({
    kind: 'streamRestored',
    height,
    stream,
  }));
}

/** What onlookers of a node that starts learn: what is damaged, the canisters and streams of its checkpoint, where it goes on. */
export function factsOfRestore({ restored, faults }: StoredNode): readonly TraceEvent[] {
  const height = restored?.state.height ?? 0;
  const canisters = [...(restored?.state.canisters.entries() ?? [])].slice(0, MAX_TOLD);
  return [
    ...faults.map(
      (message): TraceEvent => ({ kind: 'criticalError', code: 'STORAGE_DAMAGED', message }),
    ),
    ...canisters.map(([id, canister]) => canisterChanged(height, id as CanisterId, canister)),
    ...(restored === undefined ? [] : factsOfStreams(restored.state)),
    { kind: 'caughtUp', height, from: restored === undefined ? 'genesis' : 'checkpoint' },
  ];
}
