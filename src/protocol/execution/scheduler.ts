import {
  SUBNET_MESSAGES_ROUND_DIVISOR,
  INSTRUCTION_OVERHEAD_PER_MESSAGE,
} from '../limits/execution.ts';
import { chargeIdleCanisters } from './idle-charging.ts';
import { expireBestEffortCalls, inductCanisterMessages } from './induct-canister-messages.ts';
import { isRequest, type SubnetMessage } from '../replicated-state/canister-messages.ts';
import type { CanisterState, IngressMessage } from '../replicated-state/canister-state.ts';
import { popInput } from '../replicated-state/input-queues.ts';
import type { CanisterId, Instructions } from '../types/ids.ts';
import { present } from '../../base/assert.ts';
import { compareText } from '../../base/bytes.ts';
import { executeCall, executeTask } from './execute-message.ts';
import { isLowMemoryHookDue } from './low-memory-hook.ts';
import { executeResponse } from './execute-response.ts';
import { executeSubnetMessage } from './management/execute-subnet-message.ts';
import { answerRandomRequests } from './management/raw-rand.ts';
import { tryStopping } from './management/stop-canister.ts';
import type { RoundState } from './round-state.ts';
import type { SandboxTask } from './run-on-sandbox.ts';
import { ErrorCode } from './user-error.ts';

/**
 * One round of execution: management calls first, then the canisters in turn, one message each, then
 * what they sent each other is delivered; again until nothing is left or the round's instructions
 * are used up.
 * Liveness: the round after starts with the canister that was next, so that each one's turn comes.
 * @upstream rs/execution_environment/src/scheduler.rs
 */
export function* executeRound(round: RoundState): SandboxTask<void> {
  dropExpired(round);
  expireBestEffortCalls(round);
  answerRandomRequests(round);
  inductCanisterMessages(round);
  yield* executeMessages(round);
  finishStopping(round);
  chargeIdleCanisters(round);
  inductCanisterMessages(round);
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

/**
 * Visits the canisters in turn: due tasks at the first visit, one message at each. The limit counts
 * only after a visit, so that a heavy heartbeat starves neither its own canister's messages nor others.
 */
function* executeMessages(round: RoundState): SandboxTask<void> {
  const start = round.nextCanister;
  const withTasks = new Set(round.select((sum) => sum.hasHeartbeat || sum.timerNs <= round.timeNs));
  const waiting = new Set(round.select((sum) => sum.hasInput || sum.isLowMemoryHookDue));
  let order = inTurn(new Set([...withTasks, ...waiting]), start);
  let subnetInstructions = 0n;
  while (order.length > 0 || round.subnetQueue.length > 0) {
    subnetInstructions += yield* executeSubnetMessages(round, subnetInstructions);
    const interrupted = yield* visitAll(round, order, withTasks, waiting);
    const busy = order.length > 0;
    for (const receiver of inductCanisterMessages(round)) {
      waiting.add(receiver);
    }
    order = inTurn(waiting, start);
    const subnetLimit = round.env.limits.roundInstructions / SUBNET_MESSAGES_ROUND_DIVISOR;
    if (interrupted || (!busy && order.length === 0 && subnetInstructions > subnetLimit)) {
      return;
    }
  }
}

/** One visit to each; `waiting` loses those that have no input left. @returns whether the round is over */
function* visitAll(
  round: RoundState,
  order: readonly CanisterId[],
  withTasks: Set<CanisterId>,
  waiting: Set<CanisterId>,
): SandboxTask<boolean> {
  for (const canisterId of order) {
    if (withTasks.delete(canisterId) && round.find(canisterId) !== undefined) {
      yield* executeTasks(round, canisterId);
    }
    const executed = yield* executeNext(round, canisterId);
    if (!executed) {
      waiting.delete(canisterId);
    }
    if (roundIsOver(round)) {
      round.nextCanister = idAfterIn(order, canisterId);
      return true;
    }
  }
  return false;
}

/** @returns instructions used */
function* executeSubnetMessages(
  round: RoundState,
  usedBefore: Instructions,
): SandboxTask<Instructions> {
  const limit = round.env.limits.roundInstructions / SUBNET_MESSAGES_ROUND_DIVISOR;
  const start = round.instructionsUsed - usedBefore;
  // Users and canisters take turns, over rounds too, so that neither can keep the other waiting.
  let requestFirst = round.height % 2 === 1;
  while (round.subnetQueue.length > 0 && round.instructionsUsed - start <= limit) {
    const message = takeSubnetMessage(round, requestFirst);
    requestFirst = !requestFirst;
    round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
    yield* executeSubnetMessage(round, message);
  }
  return round.instructionsUsed - start - usedBefore;
}

/** The first of the preferred kind, else the first. */
function takeSubnetMessage(round: RoundState, requestFirst: boolean): SubnetMessage {
  const queue = round.subnetQueue;
  const preferred = queue.findIndex((message) => isRequest(message) === requestFirst);
  const at = Math.max(preferred, 0);
  round.subnetQueue = queue.toSpliced(at, 1);
  return present(queue[at], 'the queue is not empty');
}

function roundIsOver(round: RoundState): boolean {
  return round.instructionsUsed >= round.env.limits.roundInstructions;
}

/** By id, starting with the one whose turn it is. */
function inTurn(
  canisters: ReadonlySet<CanisterId>,
  start: CanisterId | null,
): readonly CanisterId[] {
  const sorted = [...canisters].sort(compareText);
  const turn = start === null ? 0 : sorted.findIndex((id) => compareText(id, start) >= 0);
  return turn <= 0 ? sorted : [...sorted.slice(turn), ...sorted.slice(0, turn)];
}

function idAfterIn(order: readonly CanisterId[], canisterId: CanisterId): CanisterId | null {
  return order[(order.indexOf(canisterId) + 1) % order.length] ?? null;
}

function hasHeartbeat(canister: CanisterState): boolean {
  return (
    canister.status === 'running' &&
    canister.execution?.exports.includes('canister_heartbeat') === true
  );
}

function hasDueTimer(round: RoundState, canister: CanisterState): boolean {
  return (
    canister.status === 'running' &&
    canister.globalTimerNs !== 0n &&
    canister.globalTimerNs <= round.timeNs &&
    canister.execution?.exports.includes('canister_global_timer') === true
  );
}

function* executeTasks(round: RoundState, canisterId: CanisterId): SandboxTask<void> {
  if (hasDueTimer(round, round.canister(canisterId))) {
    round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
    yield* executeTask(round, canisterId, 'globalTimer');
  }
  if (hasHeartbeat(round.canister(canisterId))) {
    round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
    yield* executeTask(round, canisterId, 'heartbeat');
  }
}

/** Executes the canister's next message. @returns false when it has none */
function* executeNext(round: RoundState, canisterId: CanisterId): SandboxTask<boolean> {
  const canister = round.find(canisterId);
  if (canister !== undefined && isLowMemoryHookDue(canister)) {
    round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
    yield* executeTask(round, canisterId, 'onLowWasmMemory');
    return true;
  }
  const next = canister === undefined ? undefined : popInput(canister);
  if (next === undefined) {
    return false;
  }
  round.put(next.canister);
  round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
  const { message } = next;
  if ('refund' in message) {
    yield* executeResponse(round, canisterId, message);
  } else {
    yield* executeCall(round, canisterId, message);
  }
  return true;
}

/** Canisters whose last open call ended stop; who waited too long for it is told. */
function finishStopping(round: RoundState): void {
  for (const canisterId of round.select((sum) => sum.isStopping)) {
    tryStopping(round, round.canister(canisterId));
  }
}
