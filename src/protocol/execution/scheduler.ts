import {
  SUBNET_MESSAGES_ROUND_DIVISOR,
  INSTRUCTION_OVERHEAD_PER_MESSAGE,
  CHARGE_INTERVAL_NS,
} from '../limits/execution.ts';
import type { CanisterState, IngressMessage } from '../replicated-state/canister-state.ts';
import type { CanisterId } from '../types/ids.ts';
import { compareText } from '../../base/bytes.ts';
import { idleCost } from './cycles-account-manager.ts';
import { executeIngress, executeTask } from './execute-message.ts';
import { executeSubnetMessage } from './management/execute-subnet-message.ts';
import type { RoundState } from './round-state.ts';
import type { SandboxTask } from './run-on-sandbox.ts';
import { ErrorCode } from './user-error.ts';

/**
 * One round of execution: management calls first, then the canisters in turn, one message each,
 * until nothing is left or the round's instructions are used up.
 * Liveness: the round after starts with the canister that was next, so that each one's turn comes.
 * @upstream rs/execution_environment/src/scheduler.rs
 */
export function* executeRound(round: RoundState): SandboxTask<void> {
  dropExpired(round);
  yield* executeSubnetMessages(round);
  yield* executeCanisters(round);
  chargeIdle(round);
}

function dropExpired(round: RoundState): void {
  round.subnetQueue = withoutExpired(round, round.subnetQueue);
  for (const canister of round.canisters.values()) {
    if (canister.ingressQueue.length > 0) {
      const ingressQueue = withoutExpired(round, canister.ingressQueue);
      if (ingressQueue.length !== canister.ingressQueue.length) {
        round.update(canister.canisterId, { ingressQueue });
      }
    }
  }
}

function withoutExpired(
  round: RoundState,
  queue: readonly IngressMessage[],
): readonly IngressMessage[] {
  return queue.filter((message) => {
    if (message.expiryNs >= round.timeNs) {
      return true;
    }
    const error = {
      code: ErrorCode.ingressMessageTimeout,
      message: `Ingress message ${message.messageId} timed out waiting to start executing.`,
    };
    round.finish(message, { kind: 'rejected', error }, 0n);
    return false;
  });
}

function* executeSubnetMessages(round: RoundState): SandboxTask<void> {
  const limit = round.env.limits.roundInstructions / SUBNET_MESSAGES_ROUND_DIVISOR;
  while (round.subnetQueue.length > 0 && round.instructionsUsed <= limit) {
    const [message, ...rest] = round.subnetQueue;
    round.subnetQueue = rest;
    round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
    yield* executeSubnetMessage(round, message as IngressMessage);
  }
}

/**
 * Visits the canisters in turn: due tasks at the first visit, one message at each. The limit counts
 * only after a visit, so that a heavy heartbeat starves neither its own canister's messages nor others.
 */
function* executeCanisters(round: RoundState): SandboxTask<void> {
  const order = canistersInTurn(round);
  const withTasks = new Set(order);
  let waiting: readonly CanisterId[] = order;
  while (waiting.length > 0) {
    const still: CanisterId[] = [];
    for (const canisterId of waiting) {
      if (withTasks.delete(canisterId)) {
        yield* executeTasks(round, canisterId);
      }
      const message = takeMessage(round, canisterId);
      if (message !== undefined) {
        round.instructionsUsed += INSTRUCTION_OVERHEAD_PER_MESSAGE;
        yield* executeIngress(round, message);
        still.push(canisterId);
      }
      if (roundIsOver(round)) {
        round.nextCanister = idAfterIn(order, canisterId);
        return;
      }
    }
    waiting = still;
  }
}

function roundIsOver(round: RoundState): boolean {
  return round.instructionsUsed >= round.env.limits.roundInstructions;
}

/** Canisters with something to do, starting with the one whose turn it is. */
function canistersInTurn(round: RoundState): readonly CanisterId[] {
  const active: CanisterId[] = [];
  for (const canister of round.canisters.values()) {
    if (canister.ingressQueue.length > 0 || hasTask(round, canister)) {
      active.push(canister.canisterId);
    }
  }
  const start = round.nextCanister;
  const turn = start === null ? 0 : active.findIndex((id) => compareText(id, start) >= 0);
  return turn <= 0 ? active : [...active.slice(turn), ...active.slice(0, turn)];
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

function hasTask(round: RoundState, canister: CanisterState): boolean {
  return hasHeartbeat(canister) || hasDueTimer(round, canister);
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

function takeMessage(round: RoundState, canisterId: CanisterId): IngressMessage | undefined {
  const [message, ...rest] = round.canister(canisterId).ingressQueue;
  if (message !== undefined) {
    round.update(canisterId, { ingressQueue: rest });
  }
  return message;
}

/** Storage and compute, every ten seconds of batch time. A bankrupt canister loses its code. */
function chargeIdle(round: RoundState): void {
  for (const canister of round.canisters.values()) {
    const spanNs = round.timeNs - canister.chargedUntilNs;
    if (spanNs < CHARGE_INTERVAL_NS) {
      continue;
    }
    const cost = idleCost(round.env, canister, spanNs);
    const bankrupt = cost > canister.cycles;
    round.charge(canister.canisterId, cost);
    const code = bankrupt
      ? {
          execution: null,
          certifiedData: new Uint8Array(0),
          globalTimerNs: 0n,
          logs: [],
          version: canister.version + 1n,
        }
      : {};
    round.update(canister.canisterId, { chargedUntilNs: round.timeNs, ...code });
  }
}
