import type { CanisterState } from '../../replicated-state/canister-state.ts';
import { hasInput } from '../../replicated-state/input-queues.ts';
import type { ScheduledMethod, SystemTask } from '../../replicated-state/schedule.ts';
import type { CanisterId, TimeNs } from '../../types/ids.ts';
import { isLowMemoryHookDue } from '../low-memory-hook.ts';

/** What a canister does next. @upstream rs/replicated_state/src/canister_state.rs#next_execution */
export type NextExecution = 'none' | 'startNew' | 'continueLong' | 'continueInstallCode';

/** Heartbeats and timers that are due in this round, first things first. */
export type RoundTasks = Map<CanisterId, readonly SystemTask[]>;

export function nextExecution(canister: CanisterState, tasks: RoundTasks): NextExecution {
  const { longExecution } = canister;
  if (longExecution !== null) {
    return longExecution.input.kind === 'install' ? 'continueInstallCode' : 'continueLong';
  }
  return isLowMemoryHookDue(canister) || tasks.has(canister.canisterId) || hasInput(canister)
    ? 'startNew'
    : 'none';
}

export function hasHeartbeat(canister: CanisterState): boolean {
  return (
    canister.status === 'running' &&
    canister.execution?.exports.includes('canister_heartbeat') === true
  );
}

export function hasDueTimer(canister: CanisterState, nowNs: TimeNs): boolean {
  return (
    canister.status === 'running' &&
    canister.globalTimerNs !== 0n &&
    canister.globalTimerNs <= nowNs &&
    canister.execution?.exports.includes('canister_global_timer') === true
  );
}

const METHOD_AFTER: Readonly<Record<ScheduledMethod, ScheduledMethod>> = {
  globalTimer: 'heartbeat',
  heartbeat: 'message',
  message: 'globalTimer',
};

export interface ChosenTasks {
  readonly tasks: readonly SystemTask[];
  /** Where the rotation stands afterwards. */
  readonly nextMethod: ScheduledMethod;
}

/**
 * The tasks that a canister runs before its messages in this round. Timer, heartbeat and messages
 * come first in turn, so that none of them keeps the others waiting: where it is the messages' turn,
 * the tasks wait for the next round.
 * @upstream rs/execution_environment/src/scheduler.rs#maybe_add_heartbeat_or_global_timer_tasks
 */
export function chooseTasks(canister: CanisterState, nowNs: TimeNs): ChosenTasks {
  const timer = hasDueTimer(canister, nowNs);
  const heartbeat = hasHeartbeat(canister);
  const both: readonly SystemTask[] = [
    ...(timer ? (['globalTimer'] as const) : []),
    ...(heartbeat ? (['heartbeat'] as const) : []),
  ];
  let method = canister.nextMethod;
  for (let tried = 0; tried < 3; tried += 1) {
    const nextMethod = METHOD_AFTER[method];
    if (method === 'message' && hasInput(canister)) {
      return { tasks: [], nextMethod };
    }
    if (method === 'globalTimer' && timer) {
      return { tasks: both, nextMethod };
    }
    if (method === 'heartbeat' && heartbeat) {
      return { tasks: both.toReversed(), nextMethod };
    }
    method = nextMethod;
  }
  return { tasks: [], nextMethod: method };
}
