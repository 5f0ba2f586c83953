import { assert } from '../../../base/assert.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import { popInput } from '../../replicated-state/input-queues.ts';
import type { LongExecution, LongInput } from '../../replicated-state/schedule.ts';
import { SLICE_GROWTH } from '../../limits/execution.ts';
import type { CanisterId, Instructions } from '../../types/ids.ts';
import { isLowMemoryHookDue } from '../low-memory-hook.ts';
import { executeCall, executeTask } from '../execute-message.ts';
import { executeResponse } from '../execute-response.ts';
import { executeSubnetMessage } from '../management/execute-subnet-message.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import type { RoundTasks } from './next-execution.ts';
import { runSlice, type MessageTask, type SliceEnd } from './run-slice.ts';

/** The next message or task of a canister, or the next slice of the one it is at. */
export function* executeNextSlice(
  round: RoundState,
  canisterId: CanisterId,
  tasks: RoundTasks,
): SandboxTask<SliceEnd | null> {
  const canister = round.canister(canisterId);
  if (canister.longExecution !== null) {
    return yield* continueLong(round, canisterId, canister.longExecution);
  }
  const input = isLowMemoryHookDue(canister)
    ? ({ kind: 'task', task: 'onLowWasmMemory' } as const)
    : (takeTask(canisterId, tasks) ?? takeMessage(round, canister));
  if (input === null) {
    return null;
  }
  return yield* executeSlice(round, canisterId, newLongExecution(input));
}

/** Goes on with a long execution, or begins it anew when it was aborted. */
export function* continueLong(
  round: RoundState,
  canisterId: CanisterId,
  long: LongExecution,
): SandboxTask<SliceEnd> {
  const { cycles } = round.canister(canisterId);
  round.update(canisterId, { longExecution: null, cycles: cycles + long.prepaid });
  return yield* executeSlice(round, canisterId, long);
}

function takeTask(canisterId: CanisterId, tasks: RoundTasks): LongInput | null {
  const [task, ...rest] = tasks.get(canisterId) ?? [];
  if (rest.length === 0) {
    tasks.delete(canisterId);
  } else {
    tasks.set(canisterId, rest);
  }
  return task === undefined ? null : { kind: 'task', task };
}

function takeMessage(round: RoundState, canister: CanisterState): LongInput | null {
  const next = popInput(canister);
  if (next === undefined) {
    return null;
  }
  round.put(next.canister);
  return { kind: 'message', message: next.message };
}

function* executeSlice(
  round: RoundState,
  canisterId: CanisterId,
  long: LongExecution,
): SandboxTask<SliceEnd> {
  const { input, heldCharges } = long;
  const slice = sliceOf(round, long);
  const task = taskOf(canisterId, input);
  const end = yield* runSlice(round, long.paused, slice, task, long.prepaid > 0n);
  if (end.paused === null) {
    // An installation may have been of a canister that is gone by now.
    if (heldCharges > 0n && round.find(canisterId) !== undefined) {
      round.charge(canisterId, heldCharges, 'ingressInduction');
    }
  } else {
    recordPause(round, canisterId, long, end);
  }
  return end;
}

export function newLongExecution(input: LongInput): LongExecution {
  return { input, paused: null, prepaid: 0n, heldCharges: 0n, slowAttempts: 0 };
}

/**
 * What does not end between two checkpoints would begin anew forever: its slices grow until it fits.
 * On the IC every message fits many times.
 */
function sliceOf(round: RoundState, { input, slowAttempts }: LongExecution): Instructions {
  const { sliceInstructions, installSliceInstructions } = round.env.limits;
  const slice = input.kind === 'install' ? installSliceInstructions : sliceInstructions;
  return slice * SLICE_GROWTH ** BigInt(slowAttempts);
}

/** Keeps the message with its canister until it ends, and what was paid for it. */
export function recordPause(
  round: RoundState,
  canisterId: CanisterId,
  long: LongExecution,
  { paused, prepaid }: Pick<SliceEnd, 'paused' | 'prepaid'>,
): void {
  const { input } = long;
  const { cycles } = round.canister(canisterId);
  assert(prepaid <= cycles, 'what was paid on the fork can be paid here');
  round.update(canisterId, {
    longExecution: { ...long, paused, prepaid },
    cycles: cycles - prepaid,
  });
  if (input.kind !== 'task' && 'messageId' in input.message) {
    round.setProcessing(input.message);
  }
}

function taskOf(canisterId: CanisterId, input: LongInput): MessageTask {
  switch (input.kind) {
    case 'task':
      return (round) => executeTask(round, canisterId, input.task);
    case 'install':
      return (round) => executeSubnetMessage(round, input.message);
    case 'message': {
      const { message } = input;
      return 'refund' in message
        ? (round) => executeResponse(round, canisterId, message)
        : (round) => executeCall(round, canisterId, message);
    }
  }
}
