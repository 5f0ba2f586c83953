import type { NetworkClock } from './network-clock.ts';

/** The host's timers; `soon` runs in a later turn without the 4 ms floor of nested timeouts. */
export interface HostTimers {
  set(delayMs: number, task: () => void): unknown;
  clear(handle: unknown): void;
}

export interface Scheduler {
  /** Runs `task` once network time reaches `timeNs`; returns what cancels it. */
  at(timeNs: bigint, task: () => void): () => void;
  /** Call after the clock's setting changed. */
  rearm(): void;
  close(): void;
}

interface Entry {
  readonly timeNs: bigint;
  readonly order: number;
  readonly task: () => void;
}

/** Longest single host timer: setTimeout overflows at 2^31 ms, and clock jumps want a re-check. */
const MAX_TIMER_MS = 60_000;

/**
 * Timers in network time: they stretch in slow motion, stand still in a pause and survive jumps.
 * Equal times run in the order they were set.
 */
export function createScheduler(clock: NetworkClock, timers: HostTimers): Scheduler {
  const entries: Entry[] = [];
  let handle: unknown;
  let order = 0;
  let closed = false;

  const disarm = (): void => {
    if (handle !== undefined) {
      timers.clear(handle);
      handle = undefined;
    }
  };
  const arm = (): void => {
    disarm();
    const first = entries[0];
    if (closed || first === undefined) {
      return;
    }
    const waitMs = clock.wallMsUntil(first.timeNs);
    if (waitMs !== Number.POSITIVE_INFINITY) {
      // Rounded up: wall clocks tick in milliseconds, so waking within one would only spin.
      handle = timers.set(Math.min(Math.ceil(waitMs), MAX_TIMER_MS), fire);
    }
  };
  const fire = (): void => {
    handle = undefined;
    const nowNs = clock.nowNs();
    const due: Entry[] = [];
    while (!clock.isPaused() && entries[0] !== undefined && entries[0].timeNs <= nowNs) {
      due.push(entries.shift() as Entry);
    }
    // Armed first: a task that throws must not silence the ones after it.
    arm();
    for (const entry of due) {
      if (!closed) {
        entry.task();
      }
    }
  };

  return {
    at: (timeNs, task) => {
      order += 1;
      const entry: Entry = { timeNs, order, task };
      const place = entries.findIndex((other) => other.timeNs > timeNs);
      entries.splice(place === -1 ? entries.length : place, 0, entry);
      if (entries[0] === entry) {
        arm();
      }
      return () => {
        const index = entries.indexOf(entry);
        if (index !== -1) {
          entries.splice(index, 1);
          if (index === 0) {
            arm();
          }
        }
      };
    },
    rearm: arm,
    close: () => {
      closed = true;
      entries.length = 0;
      disarm();
    },
  };
}
