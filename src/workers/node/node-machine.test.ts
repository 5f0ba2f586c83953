import { describe, expect, it } from 'vitest';
import { HEALTHY_NODE, type NodeConditions } from '../../wire/node-conditions.ts';
import { createNetworkClock, liveClockSetting } from '../clock/network-clock.ts';
import { createNodeMachine } from './node-machine.ts';

const START_MS = 1_700_000_000_000;
const START_NS = BigInt(START_MS) * 1_000_000n;

function createSubject(conditions: Partial<NodeConditions> = {}) {
  let nowMs = START_MS;
  let tasks: { readonly dueMs: number; readonly task: () => void }[] = [];
  const timers = {
    set: (delayMs: number, task: () => void) => {
      tasks.push({ dueMs: nowMs + delayMs, task });
      return undefined;
    },
    clear: () => undefined,
  };
  const advance = (ms: number): void => {
    nowMs += ms;
    const due = tasks.filter(({ dueMs }) => dueMs <= nowMs);
    tasks = tasks.filter(({ dueMs }) => dueMs > nowMs);
    for (const { task } of due) {
      task();
    }
  };
  const clock = createNetworkClock(liveClockSetting(START_MS), () => nowMs);
  const machine = createNodeMachine(clock, timers, { ...HEALTHY_NODE, ...conditions });
  const set = (next: Partial<NodeConditions>): void =>
    machine.setConditions({ ...HEALTHY_NODE, ...next });
  return { machine, advance, set };
}

describe('node machine', () => {
  it('is done at once when it is well', () => {
    const { machine } = createSubject();
    const done: string[] = [];
    machine.work(10, () => done.push('work'));
    expect(done).toEqual(['work']);
    expect(machine.isFree()).toBe(true);
  });

  it('takes as many times longer as it is slowed down, and is busy until then', () => {
    const { machine, advance } = createSubject({ cpuSlowdown: 4 });
    const done: string[] = [];
    machine.work(10, () => done.push('work'));
    machine.workAside(20, () => done.push('aside'));
    expect(machine.isFree()).toBe(false);
    advance(29);
    expect(done).toEqual([]);
    advance(1);
    expect(done, 'ten milliseconds took forty').toEqual(['work']);
    expect(machine.isFree()).toBe(true);
    advance(30);
    expect(done).toEqual(['work', 'aside']);
  });

  it('brings nothing out while it hangs, everything in order when it goes on', () => {
    const { machine, advance, set } = createSubject({ cpuSlowdown: 2 });
    const done: string[] = [];
    machine.work(10, () => done.push('work'));
    machine.workAside(12, () => done.push('aside'));
    set({ paused: true, cpuSlowdown: 2 });
    advance(1000);
    expect(done).toEqual([]);
    expect(machine.isFree()).toBe(false);
    set({ cpuSlowdown: 2 });
    expect(done).toEqual(['work', 'aside']);
    expect(machine.isFree()).toBe(true);
  });

  it('reads a clock that is ahead or behind, and never runs back', () => {
    const { machine, advance, set } = createSubject({ clockOffsetMs: 500 });
    expect(machine.nowNs()).toBe(START_NS + 500_000_000n);
    expect(machine.networkTimeOf(START_NS + 700_000_000n)).toBe(START_NS + 200_000_000n);
    set({ clockOffsetMs: -500 });
    advance(100);
    expect(machine.nowNs(), 'it stands still').toBe(START_NS + 500_000_000n);
    advance(1000);
    expect(machine.nowNs(), 'until it is reached').toBe(START_NS + 600_000_000n);
  });
});
