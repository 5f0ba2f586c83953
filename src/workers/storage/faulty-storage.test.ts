import { describe, expect, it } from 'vitest';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import { createFaultyStorage, type DiskConditions } from './faulty-storage.ts';
import { createMemoryStorage, type MemoryDisk } from './memory-storage.ts';

function createSubject() {
  let nowMs = 0;
  let tasks: { readonly dueMs: number; readonly task: () => void }[] = [];
  const timers = {
    set: (delayMs: number, task: () => void) => {
      tasks.push({ dueMs: nowMs + delayMs, task });
      return undefined;
    },
    clear: () => undefined,
  };
  const advance = async (ms: number): Promise<void> => {
    const endMs = nowMs + ms;
    for (let due = tasks.find(({ dueMs }) => dueMs <= endMs); due !== undefined; ) {
      const running = due;
      tasks = tasks.filter((task) => task !== running);
      nowMs = Math.max(nowMs, running.dueMs);
      running.task();
      due = tasks.find(({ dueMs }) => dueMs <= endMs);
    }
    nowMs = endMs;
    for (let i = 0; i < 10; i += 1) {
      await Promise.resolve();
    }
  };
  const disk: MemoryDisk = new Map();
  const conditions: { current: DiskConditions } = { current: HEALTHY_NODE };
  const storage = createFaultyStorage(createMemoryStorage(disk), () => conditions.current, {
    timers,
    nowMs: () => nowMs,
  });
  const outcomes: string[] = [];
  const write = (key: string): void => {
    const batch = { writes: [{ op: 'put', key, value: Uint8Array.of(1) }] } as const;
    void storage.write(batch).then((outcome) => {
      outcomes.push(`${key} ${outcome.ok ? 'ok' : outcome.error.code}`);
    });
  };
  const keys = (): string => [...disk.keys()].join();
  return { storage, conditions, outcomes, write, advance, keys };
}

describe('faulty storage', () => {
  it('is the disk itself while nothing is wrong', async () => {
    const { write, keys, outcomes, advance } = createSubject();
    write('a');
    expect(keys(), 'written within the call').toBe('a');
    await advance(0);
    expect(outcomes).toEqual(['a ok']);
  });

  it('writes at the end of the delay, several at a time and in order', async () => {
    const { conditions, write, keys, outcomes, advance } = createSubject();
    conditions.current = { diskDelayMs: 100, failWrites: false };
    write('a');
    await advance(50);
    write('b');
    conditions.current = HEALTHY_NODE;
    write('c');
    await advance(49);
    expect([keys(), outcomes]).toEqual(['', []]);
    await advance(1);
    expect([keys(), outcomes]).toEqual(['a', ['a ok']]);
    await advance(50);
    expect([keys(), outcomes]).toEqual(['a,b,c', ['a ok', 'b ok', 'c ok']]);
  });

  it('refuses writes that wait as well, and none succeeds after the first refusal', async () => {
    const { conditions, write, keys, outcomes, advance } = createSubject();
    conditions.current = { diskDelayMs: 10, failWrites: false };
    write('a');
    conditions.current = { diskDelayMs: 0, failWrites: true };
    write('b');
    await advance(10);
    conditions.current = HEALTHY_NODE;
    write('c');
    await advance(10);
    expect(outcomes).toEqual(['a STORAGE_FAILED', 'b STORAGE_FAILED', 'c STORAGE_FAILED']);
    expect(keys()).toBe('');
  });

  it('answers what still waits when it is closed, without writing it', async () => {
    const { storage, conditions, write, keys, outcomes, advance } = createSubject();
    conditions.current = { diskDelayMs: 10, failWrites: false };
    write('a');
    storage.close();
    write('b');
    await advance(100);
    expect(outcomes.toSorted()).toEqual(['a STORAGE_CLOSED', 'b STORAGE_CLOSED']);
    expect(keys()).toBe('');
  });
});
