import { createNetworkClock, liveClockSetting, type NetworkClock } from '../network-clock.ts';
import { createScheduler, type Scheduler } from '../scheduler.ts';

interface Timer {
  readonly dueMs: number;
  readonly task: () => void;
}

export interface ManualClock {
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  /** The wall clock that both read, ms. */
  nowMs(): number;
  /** Moves it; nothing runs by that. */
  moveTo(nowMs: number): void;
  /** Takes out the timer that is due first, if that is not after the limit. */
  take(limitMs: number): Timer | undefined;
}

/** A network clock and its scheduler, with a wall clock and timers that a test moves by hand. */
export function createManualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  let timers: readonly Timer[] = [];
  const clock = createNetworkClock(liveClockSetting(startMs), () => nowMs);
  const drop = (handle: unknown): void => {
    timers = timers.filter((timer) => timer !== handle);
  };
  const scheduler = createScheduler(clock, {
    set: (delayMs, task) => {
      const timer = { dueMs: nowMs + delayMs, task };
      timers = [...timers, timer];
      return timer;
    },
    clear: drop,
  });
  return {
    clock,
    scheduler,
    nowMs: () => nowMs,
    moveTo: (toMs) => {
      nowMs = toMs;
    },
    take: (limitMs) => {
      const [next] = timers.toSorted((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > limitMs) {
        return undefined;
      }
      drop(next);
      return next;
    },
  };
}
