import { INSTRUCTION_OVERHEAD_PER_CANISTER_FOR_FINALIZATION } from '../limits/execution.ts';
import { isRequest } from '../replicated-state/canister-messages.ts';
import type { IngressMessage } from '../replicated-state/canister-state.ts';
import type { CanisterId, Instructions } from '../types/ids.ts';
import { chargeIdleCanisters } from './idle-charging.ts';
import { inductCanisterMessages } from './induct-canister-messages.ts';
import { answerRandomRequests } from './management/raw-rand.ts';
import { tryStopping } from './management/stop-canister.ts';
import type { RoundState } from './round-state.ts';
import { inOrder, type RoundTask } from './run-on-sandbox.ts';
import {
  executeThread,
  newThreadResult,
  type ThreadResult,
} from './scheduling/execution-thread.ts';
import { abortPausedExecutions } from './scheduling/long-executions.ts';
import { chooseTasks, type RoundTasks } from './scheduling/next-execution.ts';
import { chargeHeapDelta, isHeapDeltaUsedUp, shrinkDebits } from './scheduling/rate-limits.ts';
import { RoundSchedule, type Turn } from './scheduling/round-schedule.ts';
import { SubnetMessages } from './scheduling/subnet-messages.ts';
import { ErrorCode } from './user-error.ts';

/**
 * One round of execution: management calls, then the canisters in order of their priority on a
 * fixed number of threads, then what they sent each other is delivered; again until nothing is left
 * or the round's instructions are used up.
 * Liveness: see `RoundSchedule`; each canister's turn comes.
 * @param isCheckpoint the state after the round is one that other nodes may start from
 * @upstream rs/execution_environment/src/scheduler.rs
 */
export function* executeRound(round: RoundState, isCheckpoint: boolean): RoundTask<void> {
  dropExpired(round);
  answerRandomRequests(round);
  inductCanisterMessages(round);
  yield* executeMessages(round);
  finishStopping(round);
  chargeIdleCanisters(round);
  inductCanisterMessages(round);
  shrinkDebits(round);
  yield* inOrder(abortPausedExecutions(round, isCheckpoint));
  if (isCheckpoint) {
    round.schedule = { ...round.schedule, heapDeltaBytes: 0 };
  }
}

function dropExpired(round: RoundState): void {
  round.subnetQueue = round.subnetQueue.filter(
    (message) => isRequest(message) || isInTime(round, message),
  );
  for (const canisterId of round.select((sum) => sum.ingressExpiryNs < round.timeNs)) {
    const { ingressQueue } = round.canister(canisterId);
    round.update(canisterId, {
      ingressQueue: ingressQueue.filter((message) => isInTime(round, message)),
    });
  }
}

function isInTime(round: RoundState, message: IngressMessage): boolean {
  if (message.expiryNs >= round.timeNs) {
    return true;
  }
  const error = {
    code: ErrorCode.ingressMessageTimeout,
    message: `Ingress message ${message.messageId} timed out waiting to start executing.`,
  };
  round.finish(message, { kind: 'rejected', error }, 0n);
  return false;
}

/** Turns of management calls and canisters until there is nothing to do or nothing left to do it with. */
function* executeMessages(round: RoundState): RoundTask<void> {
  const { limits } = round.env;
  const subnetMessages = new SubnetMessages(round);
  const schedule = new RoundSchedule(limits.executionThreads, limits.heapDeltaBytesPerRound);
  const mayChangeMemory = !isHeapDeltaUsedUp(round);
  yield* inOrder(subnetMessages.continueInstallation());
  let tasks: RoundTasks | null = null;
  let left = limits.roundInstructions;
  let heapDelta = 0;
  while (left > 0n && heapDelta < limits.heapDeltaBytesPerTurn) {
    const managed = yield* inOrder(subnetMessages.drain());
    if (!mayChangeMemory) {
      break;
    }
    tasks ??= dueTasks(round);
    const turn = schedule.startTurn(round, tasks);
    const results = yield* executeTurn(round, turn, tasks, left);
    const summary = bookTurn(round, results);
    heapDelta += summary.heapDelta;
    left -= summary.instructions;
    left -= INSTRUCTION_OVERHEAD_PER_CANISTER_FOR_FINALIZATION * BigInt(round.canisters.size);
    schedule.endTurn(round, summary.completed, tasks);
    const delivered = inductCanisterMessages(round).size;
    if (summary.slices === 0 && managed === 0 && delivered === 0) {
      break;
    }
  }
  schedule.finish(round, new Map());
}

/** Heartbeats and timers of this round; what does not come to run is due again in the next. */
function dueTasks(round: RoundState): RoundTasks {
  const tasks: RoundTasks = new Map();
  for (const canisterId of round.select((sum) => sum.hasHeartbeat || sum.timerNs <= round.timeNs)) {
    const canister = round.canister(canisterId);
    if (canister.longExecution === null) {
      const chosen = chooseTasks(canister, round.timeNs);
      round.update(canisterId, { nextMethod: chosen.nextMethod });
      if (chosen.tasks.length > 0) {
        tasks.set(canisterId, chosen.tasks);
      }
    }
  }
  return tasks;
}

/** Runs the threads of a turn side by side and joins what they did in the threads' order. */
function* executeTurn(
  round: RoundState,
  { threads }: Turn,
  tasks: RoundTasks,
  instructionLimit: Instructions,
): RoundTask<readonly ThreadResult[]> {
  const busy = threads.filter((canisterIds) => canisterIds.length > 0);
  const started = busy.map((canisterIds) => {
    const fork = round.fork(round.timeNs, round.env.limits.executionThreads);
    const result = newThreadResult();
    const task = executeThread(fork, canisterIds, tasks, instructionLimit, result);
    return { fork, result, task };
  });
  if (started.length > 0) {
    yield { kind: 'concurrently', tasks: started.map(({ task }) => task) };
  }
  for (const { fork } of started) {
    round.join(fork);
  }
  return started.map(({ result }) => result);
}

interface TurnSummary {
  readonly completed: ReadonlySet<CanisterId>;
  /** Of the thread that used most. */
  readonly instructions: Instructions;
  readonly heapDelta: number;
  readonly slices: number;
}

function bookTurn(round: RoundState, results: readonly ThreadResult[]): TurnSummary {
  const completed = new Set<CanisterId>();
  let instructions = 0n;
  let heapDelta = 0;
  let slices = 0;
  for (const result of results) {
    for (const canisterId of result.completed) {
      completed.add(canisterId);
    }
    for (const [canisterId, bytes] of result.heapDelta) {
      chargeHeapDelta(round, canisterId, bytes);
      heapDelta += bytes;
    }
    instructions = result.instructions > instructions ? result.instructions : instructions;
    slices += result.slices;
  }
  return { completed, instructions, heapDelta, slices };
}

/** Canisters whose last open call ended stop; who waited too long for it is told. */
function finishStopping(round: RoundState): void {
  for (const canisterId of round.select((sum) => sum.isStopping)) {
    tryStopping(round, round.canister(canisterId));
  }
}
