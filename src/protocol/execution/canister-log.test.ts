import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import { MAX_CANISTER_LOG_BYTES } from '../limits/execution.ts';
import { createCanisterState, DEFAULT_SETTINGS } from '../replicated-state/canister-state.ts';
import type { PrincipalId } from '../types/ids.ts';
import { joinedLogs, RunLog, withLogs } from './canister-log.ts';

const canister = createCanisterState({
  height: 1,
  canisterId: canisterIdFromU64(1n),
  controllers: [],
  cycles: 0n,
  settings: DEFAULT_SETTINGS,
  timeNs: 0n,
  creator: { kind: 'user', userId: '04' as PrincipalId },
});
const line = (bytes: number, fill = 97) => new Uint8Array(bytes).fill(fill);

describe("a canister's log", () => {
  it('numbers lines and cuts those that could not fit alone', () => {
    const log = new RunLog();
    log.add(line(3));
    log.add(line(5000));
    const { logs, logsDropped } = log.contents();
    expect(logs.map(({ length }) => length)).toEqual([MAX_CANISTER_LOG_BYTES - 40]);
    expect(logsDropped).toBe(1);
    expect(log.remainingBytes()).toBe(0);
    const after = withLogs(canister, logs, logsDropped, 9n);
    expect(after.logs).toMatchObject([{ index: 1n, timeNs: 9n }]);
    expect(after.nextLogIndex).toBe(2n);
  });

  it('keeps the old lines of a canister whose new code failed', () => {
    const before = withLogs(canister, [line(1), line(2)], 0, 1n);
    const cleared = { ...before, logs: [] };
    const after = withLogs(cleared, [line(3)], 0, 2n);
    expect(joinedLogs(before, after).map(({ index }) => index)).toEqual([0n, 1n, 2n]);
    expect(joinedLogs(before, withLogs(before, [line(3)], 0, 2n))).toHaveLength(3);
  });

  test.prop([fc.array(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 6 }))], {
    seed: 20_261,
  })('holds the newest lines within 4 KiB, as if each had been added alone', (runs) => {
    let state = canister;
    const all: number[] = [];
    for (const sizes of runs) {
      const log = new RunLog();
      for (const size of sizes) {
        log.add(line(size));
        all.push(size);
      }
      const { logs, logsDropped } = log.contents();
      state = withLogs(state, logs, logsDropped, 1n);
    }
    const kept: bigint[] = [];
    for (let at = all.length - 1, room = MAX_CANISTER_LOG_BYTES; at >= 0; at -= 1) {
      room -= (all[at] ?? 0) + 40;
      if (room < 0) {
        break;
      }
      kept.unshift(BigInt(at));
    }
    expect(state.logs.map(({ index }) => index)).toEqual(kept);
    expect(state.nextLogIndex).toBe(BigInt(all.length));
  });
});
