import { assert } from '../../../base/assert.ts';
import { compareText } from '../../../base/bytes.ts';
import { MAX_PRIORITY_ROUNDS, PRIORITY_UNITS_PER_PERCENT } from '../../limits/execution.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import {
  DEFAULT_PRIORITY,
  priorityOf,
  type CanisterPriority,
} from '../../replicated-state/schedule.ts';
import type { CanisterId } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import {
  hasDueTimer,
  hasHeartbeat,
  nextExecution,
  type NextExecution,
  type RoundTasks,
} from './next-execution.ts';

/**
 * Who runs when. Each round a canister earns its compute allocation and an even share of what is
 * free; a round in which it could run all it wanted costs it a whole thread. The one that is owed
 * most goes first.
 * Liveness: priorities sum up to zero or less after each round, so whoever waits rises to the front.
 * @upstream rs/execution_environment/src/scheduler/round_schedule.rs
 */

const WHOLE_THREAD = 100 * PRIORITY_UNITS_PER_PERCENT;

interface Candidate {
  readonly canisterId: CanisterId;
  readonly priority: number;
  readonly allocation: number;
  readonly prioritized: boolean;
  readonly isLong: boolean;
}

/** Which canisters a turn runs on which thread, in order. */
export interface Turn {
  readonly threads: readonly (readonly CanisterId[])[];
  readonly isEmpty: boolean;
}

function allocationOf(canister: CanisterState): number {
  return Number(canister.settings.computeAllocation) * PRIORITY_UNITS_PER_PERCENT;
}

function byRank(a: Candidate, b: Candidate): number {
  return (
    Number(b.prioritized) - Number(a.prioritized) ||
    Number(b.isLong) - Number(a.isLong) ||
    b.priority - a.priority ||
    compareText(a.canisterId, b.canisterId)
  );
}

export function setPriority(
  round: RoundState,
  canisterId: CanisterId,
  change: Partial<CanisterPriority>,
): void {
  const { schedule } = round;
  const priorities = schedule.priorities.set(canisterId, {
    ...priorityOf(schedule, canisterId),
    ...change,
  });
  round.schedule = { ...schedule, priorities };
}

export class RoundSchedule {
  readonly #threads: number;
  readonly #rateLimit: number;
  readonly #scheduled = new Set<CanisterId>();
  /** Had a long execution when the round began. */
  readonly #longAtStart = new Set<CanisterId>();
  readonly #completed = new Set<CanisterId>();
  readonly #fullyExecuted = new Set<CanisterId>();
  #isFirst = true;

  constructor(threads: number, heapDeltaBytesPerRound: number) {
    assert(threads > 1, 'one thread is kept for new messages while others run long ones');
    this.#threads = threads;
    this.#rateLimit = heapDeltaBytesPerRound;
  }

  /** Ranks the canisters that can run and deals them to threads. */
  startTurn(round: RoundState, tasks: RoundTasks): Turn {
    const candidates = this.#candidates(round, tasks);
    candidates.sort(byRank);
    const longs = candidates.filter(({ isLong }) => isLong).length;
    const longThreads = this.#longThreads(candidates, longs);
    const ids = candidates.map(({ canisterId }) => canisterId);
    if (this.#isFirst) {
      this.#isFirst = false;
      for (const canisterId of ids.slice(0, longThreads)) {
        this.#fullyExecuted.add(canisterId);
        setPriority(round, canisterId, { longExecutionMode: 'prioritized' });
      }
      for (const canisterId of ids.slice(longs, longs + this.#threads - longThreads)) {
        this.#fullyExecuted.add(canisterId);
      }
    }
    return { threads: deal(ids, longs, longThreads, this.#threads), isEmpty: ids.length === 0 };
  }

  #candidates(round: RoundState, tasks: RoundTasks): Candidate[] {
    const active = new Set(
      round.select((sum) => sum.hasInput || sum.hasLongExecution || sum.isLowMemoryHookDue),
    );
    for (const canisterId of tasks.keys()) {
      active.add(canisterId);
    }
    const candidates: Candidate[] = [];
    for (const canisterId of active) {
      const canister = round.canister(canisterId);
      const next = nextExecution(canister, tasks);
      const entry = priorityOf(round.schedule, canisterId);
      if (this.#rateLimit > 0 && entry.heapDeltaDebit >= this.#rateLimit) {
        this.#scheduled.add(canisterId);
        continue;
      }
      if (next === 'continueLong' && this.#isFirst) {
        this.#longAtStart.add(canisterId);
      }
      // One that ended a long message waits for the next round: else it would never compete with
      // those that have short ones.
      const waits = next === 'startNew' && this.#longAtStart.has(canisterId);
      if (waits || (next !== 'startNew' && next !== 'continueLong')) {
        continue;
      }
      this.#scheduled.add(canisterId);
      candidates.push({
        canisterId,
        priority: entry.accumulatedPriority + allocationOf(canister),
        allocation: allocationOf(canister),
        prioritized: entry.longExecutionMode === 'prioritized',
        isLong: next === 'continueLong',
      });
    }
    return candidates;
  }

  /** Threads kept for long executions: what those are entitled to, rounded up. */
  #longThreads(candidates: readonly Candidate[], longs: number): number {
    if (longs === 0) {
      return 0;
    }
    let total = 0;
    let ofLongs = 0;
    for (const { allocation, isLong } of candidates) {
      total += allocation;
      ofLongs += isLong ? allocation : 0;
    }
    const capacity = WHOLE_THREAD * (this.#threads - 1);
    const free = Math.max(capacity - total, 0);
    const entitled = ofLongs + Math.trunc((free * longs) / candidates.length);
    const threads = Math.max(Math.ceil(entitled / WHOLE_THREAD), 1);
    return Math.min(longs, threads, this.#threads - 1);
  }

  /** @param completed canisters that ended at least one message */
  endTurn(round: RoundState, completed: ReadonlySet<CanisterId>, tasks: RoundTasks): void {
    for (const canisterId of completed) {
      this.#completed.add(canisterId);
      if (priorityOf(round.schedule, canisterId).longExecutionMode === 'prioritized') {
        setPriority(round, canisterId, { longExecutionMode: 'opportunistic' });
      }
      const canister = round.find(canisterId);
      if (canister === undefined || nextExecution(canister, tasks) === 'none') {
        this.#fullyExecuted.add(canisterId);
      }
    }
  }

  /** Books the round: who ran pays, what is free is shared out. */
  finish(round: RoundState, tasks: RoundTasks): void {
    const entries = new Map<CanisterId, CanisterPriority>();
    for (const [canisterId, entry] of round.schedule.priorities.entries()) {
      entries.set(canisterId as CanisterId, entry);
    }
    for (const canisterId of this.#fullyExecuted) {
      const entry = entries.get(canisterId) ?? DEFAULT_PRIORITY;
      entries.set(canisterId, {
        ...entry,
        priorityCredit: entry.priorityCredit + WHOLE_THREAD,
        lastFullExecutionHeight: round.height,
      });
    }
    for (const canisterId of this.#scheduled) {
      const entry = entries.get(canisterId) ?? DEFAULT_PRIORITY;
      entries.set(canisterId, entry);
      const canister = round.find(canisterId);
      const goesOn =
        canister !== undefined &&
        nextExecution(canister, tasks) === 'continueLong' &&
        !this.#completed.has(canisterId);
      if (entry.priorityCredit !== 0 && !goesOn) {
        const accumulatedPriority = entry.accumulatedPriority - entry.priorityCredit;
        entries.set(canisterId, { ...entry, accumulatedPriority, priorityCredit: 0 });
      }
    }
    shareFreeCapacity(round, entries, tasks);
  }
}

/**
 * Long executions that keep a thread get one each; new ones are dealt round robin to the other
 * threads, the remaining long ones after them to all.
 */
function deal(
  ids: readonly CanisterId[],
  longs: number,
  longThreads: number,
  threads: number,
): readonly (readonly CanisterId[])[] {
  const dealt: CanisterId[][] = Array.from({ length: threads }, () => []);
  for (const [thread, canisterId] of ids.slice(0, longThreads).entries()) {
    dealt[thread]?.push(canisterId);
  }
  const others = threads - longThreads;
  const fresh = ids.slice(longs);
  for (const [position, canisterId] of fresh.entries()) {
    dealt[longThreads + (position % others)]?.push(canisterId);
  }
  const next = longThreads + (fresh.length % others);
  for (const [position, canisterId] of ids.slice(longThreads, longs).entries()) {
    dealt[(next + position) % threads]?.push(canisterId);
  }
  return dealt;
}

/**
 * Everybody earns the compute allocation and an even share of what nobody paid for, so that the sum
 * is zero. Who has nothing to do and is owed nothing leaves the schedule.
 */
function shareFreeCapacity(
  round: RoundState,
  entries: Map<CanisterId, CanisterPriority>,
  tasks: RoundTasks,
): void {
  let free = 0;
  const ranked: (readonly [CanisterState, CanisterPriority])[] = [];
  for (const [canisterId, entry] of entries) {
    const canister = round.find(canisterId);
    if (canister !== undefined) {
      const accumulatedPriority = entry.accumulatedPriority + allocationOf(canister);
      free -= accumulatedPriority;
      ranked.push([canister, { ...entry, accumulatedPriority }]);
    }
  }
  free = Math.max(free, 0);
  ranked.sort(
    ([a, one], [b, two]) =>
      two.accumulatedPriority - one.accumulatedPriority || compareText(a.canisterId, b.canisterId),
  );
  let { priorities } = round.schedule;
  for (const [canisterId] of priorities.entries()) {
    if (round.find(canisterId as CanisterId) === undefined) {
      priorities = priorities.delete(canisterId);
    }
  }
  let remaining = ranked.length;
  for (const [canister, entry] of ranked) {
    const { canisterId } = canister;
    const share = Math.trunc(free / remaining);
    remaining -= 1;
    if (entry.accumulatedPriority >= -share && isIdle(round, canister, tasks)) {
      free += entry.accumulatedPriority;
      const owes = entry.heapDeltaDebit > 0 || entry.installCodeDebit > 0n;
      priorities = owes
        ? priorities.set(canisterId, { ...entry, accumulatedPriority: 0 })
        : priorities.delete(canisterId);
      continue;
    }
    const truePriority = entry.accumulatedPriority - entry.priorityCredit;
    const granted = Math.min(share, WHOLE_THREAD * MAX_PRIORITY_ROUNDS - truePriority);
    free -= granted;
    priorities = priorities.set(canisterId, {
      ...entry,
      accumulatedPriority: entry.accumulatedPriority + granted,
    });
  }
  round.schedule = { ...round.schedule, priorities };
}

function isIdle(round: RoundState, canister: CanisterState, tasks: RoundTasks): boolean {
  const next: NextExecution = nextExecution(canister, tasks);
  return next === 'none' && !hasHeartbeat(canister) && !hasDueTimer(canister, round.timeNs);
}
