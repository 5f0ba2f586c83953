import {
  INSTRUCTION_OVERHEAD_PER_CANISTER,
  INSTRUCTION_OVERHEAD_PER_MESSAGE,
} from '../../limits/execution.ts';
import type { CanisterId, Instructions } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { executeNextSlice } from './execute-slice.ts';
import { nextExecution, type RoundTasks } from './next-execution.ts';

/** What one thread did in one turn. */
export interface ThreadResult {
  readonly completed: Set<CanisterId>;
  readonly heapDelta: Map<CanisterId, number>;
  /** Overheads included. */
  instructions: Instructions;
  /** Messages and slices that ran. */
  slices: number;
}

export function newThreadResult(): ThreadResult {
  return { completed: new Set(), heapDelta: new Map(), instructions: 0n, slices: 0 };
}

/**
 * Runs canisters one after the other, each until it has nothing left, pauses, or ended a long
 * message, while instructions and memory allow.
 * @param instructionLimit no message starts once so much is used
 * @upstream rs/execution_environment/src/scheduler.rs#execute_canisters_on_thread
 */
export function* executeThread(
  round: RoundState,
  canisterIds: readonly CanisterId[],
  tasks: RoundTasks,
  instructionLimit: Instructions,
  result: ThreadResult,
): SandboxTask<void> {
  let heapDelta = 0;
  const isOver = (): boolean =>
    result.instructions >= instructionLimit || heapDelta >= round.env.limits.heapDeltaBytesPerTurn;
  for (const canisterId of canisterIds) {
    const slicesBefore = result.slices;
    while (!isOver()) {
      const next = nextExecution(round.canister(canisterId), tasks);
      if (next !== 'startNew' && next !== 'continueLong') {
        break;
      }
      const end = yield* executeNextSlice(round, canisterId, tasks);
      if (end === null) {
        break;
      }
      result.slices += 1;
      result.instructions += end.instructions + INSTRUCTION_OVERHEAD_PER_MESSAGE;
      if (end.paused !== null) {
        break;
      }
      result.completed.add(canisterId);
      heapDelta += end.heapDeltaBytes;
      const before = result.heapDelta.get(canisterId) ?? 0;
      result.heapDelta.set(canisterId, before + end.heapDeltaBytes);
      if (next === 'continueLong') {
        break;
      }
    }
    if (result.slices > slicesBefore) {
      result.instructions += INSTRUCTION_OVERHEAD_PER_CANISTER;
    }
  }
}
