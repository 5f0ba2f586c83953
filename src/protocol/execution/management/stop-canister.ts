import { principalToText } from '../../crypto/principal.ts';
import { STOP_TIMEOUT_NS } from '../../limits/messaging.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import type { CanisterState, ChangeOrigin } from '../../replicated-state/canister-state.ts';
import { EMPTY_CHUNK_STORE } from '../../replicated-state/chunk-store.ts';
import type { CanisterId, Cycles, Instructions } from '../../types/ids.ts';
import { withChange } from '../canister-history.ts';
import { answerRequest, rejectOpenCalls } from '../call-contexts.ts';
import { withLowMemoryHook } from '../low-memory-hook.ts';
import type { MessageOutcome } from '../message-outcome.ts';
import type { RoundState } from '../round-state.ts';
import { ErrorCode } from '../user-error.ts';
import { emptyReply } from './replies.ts';

/**
 * Stopping: a canister takes no new calls and is stopped when its open ones have ended.
 * @upstream rs/execution_environment/src/execution_environment.rs#process_stopping_canisters
 */

/** Answers a call of the management canister; a canister gets its cycles back. */
export function answerSubnetMessage(
  round: RoundState,
  message: SubnetMessage,
  outcome: MessageOutcome,
  refund: Cycles,
  instructions: Instructions = 0n,
): void {
  if (isRequest(message)) {
    // Canisters are told errors of the management canister without their codes.
    const answer =
      outcome.kind === 'rejected' ? { told: outcome.error.message, ...outcome } : outcome;
    answerRequest(round, message, answer, refund, instructions);
  } else {
    round.finish(message, outcome, instructions);
  }
}

function answerAll(
  round: RoundState,
  messages: readonly SubnetMessage[],
  outcome: MessageOutcome,
): void {
  for (const message of messages) {
    answerSubnetMessage(round, message, outcome, isRequest(message) ? message.cycles : 0n);
  }
}

/**
 * Begins to stop; `message` is answered when the canister is stopped, at the end of a round. Who stops
 * a stopped canister is answered at once.
 */
export function stopCanister(
  round: RoundState,
  canister: CanisterState,
  message: SubnetMessage,
): void {
  if (canister.status === 'stopped') {
    answerAll(round, [message], { kind: 'replied', reply: emptyReply() });
    return;
  }
  const stops = canister.status === 'running';
  round.put({
    ...canister,
    status: 'stopping',
    version: stops ? canister.version + 1n : canister.version,
    stopRequests: [...canister.stopRequests, { message, timeNs: round.timeNs }],
  });
  if (!isRequest(message)) {
    round.setProcessing(message);
  }
}

/** Stops a stopping canister that has no open calls; requests that waited too long are rejected. */
export function tryStopping(round: RoundState, canister: CanisterState): void {
  const { canisterId, stopRequests } = canister;
  if (canister.calls.contexts.length === 0) {
    round.update(canisterId, { status: 'stopped', stopRequests: [] });
    const messages = stopRequests.map(({ message }) => message);
    answerAll(round, messages, { kind: 'replied', reply: emptyReply() });
    return;
  }
  const late = stopRequests.filter(({ timeNs }) => timeNs + STOP_TIMEOUT_NS <= round.timeNs);
  if (late.length === 0) {
    return;
  }
  round.update(canisterId, { stopRequests: stopRequests.filter((stop) => !late.includes(stop)) });
  const error = {
    code: ErrorCode.stopCanisterRequestTimeout,
    message: 'Stop canister request timed out',
  };
  const messages = late.map(({ message }) => message);
  answerAll(round, messages, { kind: 'rejected', error });
}

/** Runs again; who waited for the canister to stop is told that it will not. */
export function startCanister(round: RoundState, canister: CanisterState): void {
  const { canisterId, stopRequests } = canister;
  if (canister.status === 'running') {
    return;
  }
  round.put({
    ...canister,
    status: 'running',
    version: canister.version + 1n,
    stopRequests: [],
  });
  const name = `Canister ${principalToText(canisterId)}`;
  const error = {
    code: ErrorCode.canisterStoppingCancelled,
    message: `${name}'s stop request was cancelled.`,
  };
  const told = `${name}'s stop request cancelled`;
  const messages = stopRequests.map(({ message }) => message);
  answerAll(round, messages, { kind: 'rejected', error, told });
}

/** Takes the canister's code and all that hangs on it; open calls are rejected. Snapshots stay. */
export function removeCode(round: RoundState, canisterId: CanisterId): void {
  rejectOpenCalls(round, canisterId);
  const canister = round.canister(canisterId);
  round.put(
    withLowMemoryHook({
      ...canister,
      execution: null,
      certifiedData: new Uint8Array(0),
      globalTimerNs: 0n,
      logs: [],
      chunkStore: EMPTY_CHUNK_STORE,
      version: canister.version + 1n,
    }),
  );
}

/** Uninstalls on request, and says so in the history. */
export function uninstallByController(
  round: RoundState,
  canisterId: CanisterId,
  origin: ChangeOrigin,
): void {
  removeCode(round, canisterId);
  const details = { kind: 'codeUninstall' } as const;
  round.put(withChange(round.canister(canisterId), round.timeNs, origin, details));
}

/**
 * Uninstalls a canister that cannot pay any more: its allocations, snapshots and history go, too, and
 * what is left of its balance is burned.
 * @upstream rs/execution_environment/src/scheduler.rs#charge_canisters_for_resource_allocation_and_usage
 */
export function uninstallBankrupt(round: RoundState, canisterId: CanisterId): void {
  removeCode(round, canisterId);
  const { cycles, reservedCycles } = round.canister(canisterId);
  round.charge(canisterId, cycles + reservedCycles, 'uninstall');
  const canister = round.canister(canisterId);
  round.put({
    ...canister,
    settings: { ...canister.settings, computeAllocation: 0n, memoryAllocationBytes: 0n },
    changes: [],
    snapshots: [],
  });
}
