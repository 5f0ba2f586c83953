import { codedError, err, type Result } from '../../base/result.ts';
import type { NodeConditions } from '../../wire/node-conditions.ts';
import type { HostTimers } from '../clock/scheduler.ts';
import type { StorageBatch, StorageError, StoragePort } from './storage-port.ts';

export type DiskConditions = Pick<NodeConditions, 'diskDelayMs' | 'failWrites'>;

interface WaitingWrite {
  readonly batch: StorageBatch;
  readonly dueMs: number;
  readonly settle: (outcome: Result<void, StorageError>) => void;
}

/**
 * A disk that is slow or refuses writes when the world says so. A slow write reaches the real disk
 * at the end of its delay, so that a node killed within loses it; writes keep their order. After a
 * refused write nothing is written any more: the disk is bad until it is opened again.
 */
export function createFaultyStorage(
  disk: StoragePort,
  conditions: () => DiskConditions,
  time: { readonly timers: HostTimers; nowMs(): number },
): StoragePort {
  let waiting: WaitingWrite[] = [];
  let broken = false;
  let closed = false;

  const attempt = (batch: StorageBatch): Promise<Result<void, StorageError>> => {
    broken ||= conditions().failWrites;
    return broken
      ? Promise.resolve(err(codedError('transport', 'STORAGE_FAILED', 'the write was refused')))
      : disk.write(batch);
  };
  const arm = (): void => {
    const [first] = waiting;
    if (first !== undefined && !closed) {
      time.timers.set(Math.max(0, first.dueMs - time.nowMs()), next);
    }
  };
  const next = (): void => {
    const first = waiting.shift();
    if (first !== undefined && !closed) {
      void attempt(first.batch).then(first.settle);
      arm();
    }
  };

  return {
    write: (batch) => {
      const { diskDelayMs } = conditions();
      if (closed || (diskDelayMs === 0 && waiting.length === 0)) {
        return closed ? disk.write(batch) : attempt(batch);
      }
      return new Promise((settle) => {
        const lastDueMs = waiting.at(-1)?.dueMs ?? 0;
        waiting.push({ batch, dueMs: Math.max(lastDueMs, time.nowMs() + diskDelayMs), settle });
        if (waiting.length === 1) {
          arm();
        }
      });
    },
    readAll: disk.readAll,
    damage: () => disk.damage?.() ?? [],
    clear: disk.clear,
    close: () => {
      closed = true;
      disk.close();
      const lost = waiting;
      waiting = [];
      for (const { batch, settle } of lost) {
        // A closed disk answers STORAGE_CLOSED.
        void disk.write(batch).then(settle);
      }
    },
  };
}
