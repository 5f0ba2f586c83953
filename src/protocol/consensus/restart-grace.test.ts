import { describe, expect, it } from 'vitest';
import { RESTART_GRACE_NS } from '../limits/consensus.ts';
import { RestartGrace } from './restart-grace.ts';
import { doKeysWait, type RoleContext } from './role-context.ts';

describe('what a restarted node leaves for later', () => {
  const until = (timeNs: bigint) => ({ keysWaitUntilNs: timeNs + RESTART_GRACE_NS });

  it('is nothing for a node that starts at genesis', () => {
    const grace = new RestartGrace();
    expect(grace.during(0, 7n)).toEqual({});
    grace.begin(0);
    expect(grace.during(0, 7n)).toEqual({});
  });

  it('waits for the first state above what was stored', () => {
    const grace = new RestartGrace();
    grace.begin(20);
    expect(grace.during(12, 100n)).toEqual(until(100n));
    expect(grace.during(20, 200n)).toEqual(until(100n));
    expect(grace.during(21, 300n)).toEqual({});
    expect(grace.during(3, 300n)).toEqual({});
  });

  it('waits for so long at most, and again after another restart', () => {
    const grace = new RestartGrace();
    grace.begin(20);
    expect(grace.during(20, 100n)).toEqual(until(100n));
    expect(grace.during(20, 100n + RESTART_GRACE_NS)).toEqual({});
    expect(grace.during(20, 100n)).toEqual({});
    grace.begin(20);
    expect(grace.during(20, 900n)).toEqual(until(900n));
  });

  it('asks to be woken at the end', () => {
    const wakes: bigint[] = [];
    const context = (nowNs: bigint, keysWaitUntilNs?: bigint) =>
      ({
        nowNs,
        wakeAt: (timeNs: bigint) => wakes.push(timeNs),
        ...(keysWaitUntilNs !== undefined && { keysWaitUntilNs }),
      }) as unknown as RoleContext;
    expect(doKeysWait(context(5n, 9n))).toBe(true);
    expect(doKeysWait(context(9n, 9n))).toBe(false);
    expect(doKeysWait(context(5n))).toBe(false);
    expect(wakes).toEqual([9n]);
  });
});
