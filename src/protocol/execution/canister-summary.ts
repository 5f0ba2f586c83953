import type { CanisterMessage } from '../replicated-state/canister-messages.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { hasInput, openMessages } from '../replicated-state/input-queues.ts';
import { outgoingMessages } from '../replicated-state/output-queues.ts';
import type { Summary } from '../replicated-state/radix-map.ts';
import type { Cycles, TimeNs } from '../types/ids.ts';
import { isLowMemoryHookDue } from './low-memory-hook.ts';
import { customSectionBytes, usedBytes } from './cycles-account-manager.ts';
import { messageMemory } from './message-memory.ts';
import { allocatedBytes } from './storage-price.ts';

/**
 * What a round must know of all canisters, without looking at each: totals against which limits are
 * checked, and the earliest times at which something is due. Nothing of it is state: it follows from
 * the canisters, and only what changed is summed up anew.
 */
export interface CanisterSummary {
  /** Balances, reserved ones included. */
  readonly cycles: Cycles;
  /** In calls, their prepayments, and messages. */
  readonly cyclesInFlight: Cycles;
  readonly callbacks: number;
  /** Of arguments and replies that wait. */
  readonly messageBytes: number;
  /** Taken by guaranteed responses, those that may come included. */
  readonly guaranteedBytes: number;
  /** Of best-effort requests and responses that wait. */
  readonly bestEffortBytes: number;
  /** Percent of a core. */
  readonly computeAllocation: bigint;
  /** Used, or allocated where that is more. */
  readonly memoryBytes: bigint;
  /** Of custom sections alone. */
  readonly customSectionBytes: number;
  readonly hasInput: boolean;
  readonly hasLongExecution: boolean;
  readonly hasHeartbeat: boolean;
  readonly isLowMemoryHookDue: boolean;
  readonly isStopping: boolean;
  /** Earliest times; `NEVER` where nothing is due. */
  readonly timerNs: TimeNs;
  readonly chargedUntilNs: TimeNs;
  readonly ingressExpiryNs: TimeNs;
  readonly deadlineNs: TimeNs;
  /** Of messages in output queues. */
  readonly outputExpiryNs: TimeNs;
  readonly hasOutput: boolean;
}

/** Later than any time of a batch. */
export const NEVER: TimeNs = 1n << 64n;

const NONE: CanisterSummary = {
  cycles: 0n,
  cyclesInFlight: 0n,
  callbacks: 0,
  messageBytes: 0,
  guaranteedBytes: 0,
  bestEffortBytes: 0,
  computeAllocation: 0n,
  memoryBytes: 0n,
  customSectionBytes: 0,
  hasInput: false,
  hasLongExecution: false,
  hasHeartbeat: false,
  isLowMemoryHookDue: false,
  isStopping: false,
  timerNs: NEVER,
  chargedUntilNs: NEVER,
  ingressExpiryNs: NEVER,
  deadlineNs: NEVER,
  outputExpiryNs: NEVER,
  hasOutput: false,
};

/** Sums up canisters; see `RadixMap.summary`. */
export const CANISTER_SUMMARY: Summary<CanisterState, CanisterSummary> = {
  empty: NONE,
  of: summaryOf,
  join: (a, b) => ({
    cycles: a.cycles + b.cycles,
    cyclesInFlight: a.cyclesInFlight + b.cyclesInFlight,
    callbacks: a.callbacks + b.callbacks,
    messageBytes: a.messageBytes + b.messageBytes,
    guaranteedBytes: a.guaranteedBytes + b.guaranteedBytes,
    bestEffortBytes: a.bestEffortBytes + b.bestEffortBytes,
    computeAllocation: a.computeAllocation + b.computeAllocation,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    customSectionBytes: a.customSectionBytes + b.customSectionBytes,
    hasInput: a.hasInput || b.hasInput,
    hasLongExecution: a.hasLongExecution || b.hasLongExecution,
    hasHeartbeat: a.hasHeartbeat || b.hasHeartbeat,
    isLowMemoryHookDue: a.isLowMemoryHookDue || b.isLowMemoryHookDue,
    isStopping: a.isStopping || b.isStopping,
    timerNs: earlier(a.timerNs, b.timerNs),
    chargedUntilNs: earlier(a.chargedUntilNs, b.chargedUntilNs),
    ingressExpiryNs: earlier(a.ingressExpiryNs, b.ingressExpiryNs),
    deadlineNs: earlier(a.deadlineNs, b.deadlineNs),
    outputExpiryNs: earlier(a.outputExpiryNs, b.outputExpiryNs),
    hasOutput: a.hasOutput || b.hasOutput,
  }),
};

function earlier(a: TimeNs, b: TimeNs): TimeNs {
  return a < b ? a : b;
}

function summaryOf(canister: CanisterState): CanisterSummary {
  const { status, execution, settings, calls } = canister;
  const runs = status === 'running' && execution !== null;
  const hasTimer = runs && canister.globalTimerNs !== 0n;
  return {
    cycles: canister.cycles + canister.reservedCycles,
    cyclesInFlight: cyclesInFlight(canister),
    callbacks: calls.callbacks.length,
    messageBytes: waitingBytes(canister),
    ...messageMemory(canister),
    computeAllocation: settings.computeAllocation,
    memoryBytes: allocatedBytes(usedBytes(canister), settings.memoryAllocationBytes),
    customSectionBytes: customSectionBytes(execution),
    hasInput: hasInput(canister),
    hasLongExecution: canister.longExecution !== null,
    hasHeartbeat: runs && execution.exports.includes('canister_heartbeat'),
    isLowMemoryHookDue: isLowMemoryHookDue(canister),
    isStopping: status === 'stopping',
    timerNs:
      hasTimer && execution.exports.includes('canister_global_timer')
        ? canister.globalTimerNs
        : NEVER,
    chargedUntilNs: canister.chargedUntilNs,
    ingressExpiryNs: canister.ingressQueue.reduce(
      (first, { expiryNs }) => earlier(first, expiryNs),
      NEVER,
    ),
    deadlineNs: firstDeadline(canister),
    outputExpiryNs: firstExpiry(canister),
    hasOutput: canister.outputQueues.length > 0,
  };
}

function cyclesInFlight(canister: CanisterState): Cycles {
  const { calls, stopRequests, longExecution } = canister;
  let cycles = longExecution?.prepaid ?? 0n;
  for (const context of calls.contexts) {
    cycles += context.availableCycles;
  }
  for (const callback of calls.callbacks) {
    cycles += callback.executionPrepayment + callback.transmissionPrepayment;
  }
  for (const message of openMessages(canister)) {
    cycles += message.kind === 'request' ? message.cycles : message.refund;
  }
  for (const { message } of outgoingMessages(canister.outputQueues)) {
    cycles += message.kind === 'request' ? message.cycles : message.refund;
  }
  for (const { message } of stopRequests) {
    cycles += 'cycles' in message ? message.cycles : 0n;
  }
  return cycles;
}

function waitingBytes(canister: CanisterState): number {
  let bytes = 0;
  for (const message of openMessages(canister)) {
    bytes += payloadBytes(message);
  }
  for (const { message } of outgoingMessages(canister.outputQueues)) {
    bytes += payloadBytes(message);
  }
  return bytes;
}

function payloadBytes(message: CanisterMessage): number {
  if (message.kind === 'request') {
    return message.arg.length;
  }
  return message.payload.kind === 'reply' ? message.payload.data.length : 0;
}

function firstExpiry({ outputQueues }: CanisterState): TimeNs {
  let first = NEVER;
  for (const { expiresNs } of outgoingMessages(outputQueues)) {
    first = expiresNs === 0n ? first : earlier(first, expiresNs);
  }
  return first;
}

/** Of calls without an answer and of requests that wait. */
function firstDeadline({ calls, inputQueues }: CanisterState): TimeNs {
  let first = NEVER;
  for (const { deadlineNs, expired } of calls.callbacks) {
    if (deadlineNs !== 0n && !expired) {
      first = earlier(first, deadlineNs);
    }
  }
  for (const { messages } of inputQueues) {
    for (const message of messages) {
      if (message.kind === 'request' && message.deadlineNs !== 0n) {
        first = earlier(first, message.deadlineNs);
      }
    }
  }
  return first;
}
