import { compareText } from '../../../base/bytes.ts';
import { priorityOf } from '../../replicated-state/schedule.ts';
import type { CanisterId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { setPriority } from './round-schedule.ts';

/**
 * Forgets the work of paused executions: before a checkpoint all, so that a node that starts from it
 * knows as much as the others; else those beyond the few that a node keeps.
 * @upstream rs/execution_environment/src/scheduler.rs#abort_paused_executions_above_limit
 */
export function* abortPausedExecutions(
  round: RoundState,
  isCheckpoint: boolean,
): SandboxTask<void> {
  const kept = isCheckpoint ? 0 : round.env.limits.pausedExecutions;
  const paused = round
    .select((sum) => sum.hasLongExecution)
    .filter((canisterId) => round.canister(canisterId).longExecution?.paused !== null);
  if (paused.length <= kept) {
    return;
  }
  const ranked = paused.toSorted((a, b) => byRank(round, a, b));
  for (const canisterId of ranked.slice(kept)) {
    const { longExecution } = round.canister(canisterId);
    if (longExecution !== null) {
      const wasSlow = (longExecution.paused?.slices ?? 0) * 2 >= round.env.checkpointInterval;
      const slowAttempts = longExecution.slowAttempts + (wasSlow ? 1 : 0);
      round.update(canisterId, { longExecution: { ...longExecution, paused: null, slowAttempts } });
      setPriority(round, canisterId, { priorityCredit: 0 });
      yield { kind: 'abort', canisterId };
    }
  }
}

function byRank(round: RoundState, a: CanisterId, b: CanisterId): number {
  const one = priorityOf(round.schedule, a);
  const two = priorityOf(round.schedule, b);
  const prioritized = (mode: string): number => (mode === 'prioritized' ? 1 : 0);
  return (
    prioritized(two.longExecutionMode) - prioritized(one.longExecutionMode) ||
    two.accumulatedPriority - one.accumulatedPriority ||
    compareText(a, b)
  );
}
