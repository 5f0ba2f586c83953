import type { RunRequest, SandboxReply } from '../interfaces/wasm-host.ts';
import type { CanisterId, Cycles, Height, Instructions, TimeNs } from '../types/ids.ts';
import type { CanisterMessage, SubnetMessage } from './canister-messages.ts';
import type { IngressMessage } from './canister-state.ts';
import { RadixMap } from './radix-map.ts';

/**
 * What the scheduler remembers between rounds.
 * @upstream rs/replicated_state/src/metadata_state.rs#SubnetSchedule
 */

/**
 * A canister's place in the schedule. Priorities are in millionths of a percent of a thread's round.
 * Only canisters that have work, or that still owe or are owed some, have an entry.
 */
export interface CanisterPriority {
  readonly accumulatedPriority: number;
  /** For executions of a long message, taken off when it ends. */
  readonly priorityCredit: number;
  /** A prioritized long execution keeps its thread until it ends. */
  readonly longExecutionMode: 'opportunistic' | 'prioritized';
  readonly lastFullExecutionHeight: Height;
  /** Bytes of memory changed beyond what its rate allows. */
  readonly heapDeltaDebit: number;
  /** Of installing code, beyond what its rate allows. */
  readonly installCodeDebit: Instructions;
}

export const DEFAULT_PRIORITY: CanisterPriority = Object.freeze({
  accumulatedPriority: 0,
  priorityCredit: 0,
  longExecutionMode: 'opportunistic',
  lastFullExecutionHeight: 0,
  heapDeltaDebit: 0,
  installCodeDebit: 0n,
});

export interface Schedule {
  readonly priorities: RadixMap<CanisterPriority>;
  /** Bytes of memory changed since the last checkpoint. */
  readonly heapDeltaBytes: number;
}

export const EMPTY_SCHEDULE: Schedule = Object.freeze({
  priorities: RadixMap.empty<CanisterPriority>(),
  heapDeltaBytes: 0,
});

export type SystemTask = 'heartbeat' | 'globalTimer' | 'onLowWasmMemory';

/** What a canister runs next when nothing else decides; it rotates. */
export type ScheduledMethod = 'globalTimer' | 'heartbeat' | 'message';

/** What began and did not end in one slice. */
export type LongInput =
  | { readonly kind: 'message'; readonly message: IngressMessage | CanisterMessage }
  | { readonly kind: 'task'; readonly task: SystemTask }
  /** A management call that installs code. */
  | { readonly kind: 'install'; readonly message: SubnetMessage };

/**
 * A message that takes more than one slice. The canister is as it was before the message, which is
 * kept here, and takes no other until it ends.
 */
export interface LongExecution {
  readonly input: LongInput;
  /** Null = aborted: it begins anew, in the time of the round that takes it up. */
  readonly paused: PausedExecution | null;
  /** Taken from the balance when it began; an execution that begins anew is paid with it. */
  readonly prepaid: Cycles;
  /** Charged to the canister meanwhile, to be paid when the message has ended: it counts on its balance. */
  readonly heldCharges: Cycles;
  /** Times it was aborted although it had half the rounds between two checkpoints: its slices grow. */
  readonly slowAttempts: number;
}

/** Never part of a checkpoint: paused executions are aborted before. */
export interface PausedExecution {
  /** Batch time in which it began and which it sees throughout. */
  readonly startedAtNs: TimeNs;
  readonly slices: number;
  /** Charged to rounds so far. */
  readonly instructions: Instructions;
  /** Host-local: what the sandbox answered so far. */
  readonly progress: RunProgress;
}

export interface RunProgress {
  /** Replies to the requests that are answered, in order. */
  readonly replies: readonly SandboxReply[];
  /** The run that is paused, as it began. */
  readonly open: RunRequest;
  /** Slices of it, and what they used. */
  readonly openSlices: number;
  readonly openInstructions: Instructions;
}

/** Whether a canister's long execution, if any, waits to be gone on with in the sandbox. */
export function isPaused(canister: { readonly longExecution: LongExecution | null }): boolean {
  return canister.longExecution !== null && canister.longExecution.paused !== null;
}

export function priorityOf(schedule: Schedule, canisterId: CanisterId): CanisterPriority {
  return schedule.priorities.get(canisterId) ?? DEFAULT_PRIORITY;
}
