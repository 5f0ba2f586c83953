import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNetworkClock, liveClockSetting, networkTimeNs, withRate } from './network-clock.ts';
import { createScheduler, type HostTimers } from './scheduler.ts';

const START_MS = 1_700_000_000_000;
const msToNs = (ms: number): bigint => BigInt(ms) * 1_000_000n;

/** A wall clock and host timers that move only when told. */
function createFakeHost() {
  let nowMs = START_MS;
  let tasks: { readonly dueMs: number; readonly task: () => void }[] = [];
  const timers: HostTimers = {
    set: (delayMs, task) => {
      const entry = { dueMs: nowMs + delayMs, task };
      tasks.push(entry);
      return entry;
    },
    clear: (handle) => {
      tasks = tasks.filter((entry) => entry !== handle);
    },
  };
  const advance = (ms: number): void => {
    const untilMs = nowMs + ms;
    for (;;) {
      const [next] = tasks.sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > untilMs) {
        nowMs = untilMs;
        return;
      }
      tasks = tasks.filter((entry) => entry !== next);
      nowMs = Math.max(nowMs, next.dueMs);
      next.task();
    }
  };
  return { timers, advance, wallNowMs: () => nowMs, setWall: (ms: number) => (nowMs = ms) };
}

describe('network clock', () => {
  it('is wall time when live', () => {
    const host = createFakeHost();
    const clock = createNetworkClock(liveClockSetting(START_MS), host.wallNowMs);
    host.advance(1234);
    expect(clock.nowNs()).toBe(msToNs(START_MS + 1234));
  });

  it('stands still while paused and jumps to wall time when it goes live again', () => {
    const host = createFakeHost();
    const clock = createNetworkClock(liveClockSetting(START_MS), host.wallNowMs);
    host.advance(100);
    clock.apply(withRate(clock.setting(), 0, host.wallNowMs()));
    host.advance(60_000);
    expect(clock.isPaused()).toBe(true);
    expect(clock.nowNs()).toBe(msToNs(START_MS + 100));
    clock.apply(withRate(clock.setting(), 1, host.wallNowMs()));
    expect(clock.nowNs()).toBe(msToNs(START_MS + 60_100));
  });

  it('runs at a quarter of the speed in slow motion', () => {
    const host = createFakeHost();
    const clock = createNetworkClock(liveClockSetting(START_MS), host.wallNowMs);
    clock.apply(withRate(clock.setting(), 0.25, host.wallNowMs()));
    host.advance(4000);
    expect(clock.nowNs()).toBe(msToNs(START_MS + 1000));
    expect(clock.wallMsUntil(clock.nowNs() + msToNs(10))).toBe(40);
  });

  it('never runs back, whatever settings arrive and however the wall clock is set', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(100_000) }),
      fc.record({ kind: fc.constant('wall' as const), ms: fc.nat(200_000) }),
      fc.record({ kind: fc.constant('rate' as const), percent: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const host = createFakeHost();
        const clock = createNetworkClock(liveClockSetting(START_MS), host.wallNowMs);
        let previous = clock.nowNs();
        for (const next of steps) {
          if (next.kind === 'advance') {
            host.advance(next.ms);
          } else if (next.kind === 'wall') {
            host.setWall(START_MS - 100_000 + next.ms);
          } else {
            clock.apply(withRate(clock.setting(), next.percent / 100, host.wallNowMs()));
          }
          const now = clock.nowNs();
          expect(now >= previous, `${previous} then ${now}`).toBe(true);
          previous = now;
        }
      }),
    );
  });

  it('gives every host the same time for the same setting', () => {
    const setting = withRate(liveClockSetting(START_MS), 0.5, START_MS + 10);
    expect(networkTimeNs(setting, START_MS + 110)).toBe(msToNs(START_MS + 10 + 50));
  });
});

describe('scheduler', () => {
  function createSubject() {
    const host = createFakeHost();
    const clock = createNetworkClock(liveClockSetting(START_MS), host.wallNowMs);
    const scheduler = createScheduler(clock, host.timers);
    const ran: string[] = [];
    const after = (ms: number, name: string): (() => void) =>
      scheduler.at(msToNs(START_MS + ms), () => ran.push(name));
    const setRate = (rate: number): void => {
      clock.apply(withRate(clock.setting(), rate, host.wallNowMs()));
      scheduler.rearm();
    };
    return { host, scheduler, ran, after, setRate };
  }

  it('runs tasks in time order, equal times in the order they were set', () => {
    const { host, ran, after } = createSubject();
    after(20, 'late');
    after(10, 'first');
    after(10, 'second');
    host.advance(9);
    expect(ran).toEqual([]);
    host.advance(100);
    expect(ran).toEqual(['first', 'second', 'late']);
  });

  it('runs nothing while paused, and what became due when the clock goes on', () => {
    const { host, ran, after, setRate } = createSubject();
    after(10, 'task');
    setRate(0);
    after(-5, 'overdue');
    host.advance(1000);
    expect(ran).toEqual([]);
    setRate(1);
    host.advance(1);
    expect(ran).toEqual(['overdue', 'task']);
  });

  it('stretches delays in slow motion', () => {
    const { host, ran, after, setRate } = createSubject();
    after(100, 'task');
    setRate(0.1);
    host.advance(999);
    expect(ran).toEqual([]);
    host.advance(1);
    expect(ran).toEqual(['task']);
  });

  it('does not run what was cancelled or what was left when it closed', () => {
    const { host, scheduler, ran, after } = createSubject();
    const cancel = after(10, 'cancelled');
    after(20, 'left');
    cancel();
    scheduler.close();
    host.advance(1000);
    expect(ran).toEqual([]);
  });
});
