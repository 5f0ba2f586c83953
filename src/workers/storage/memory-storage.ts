import { compareText } from '../../base/bytes.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { StoragePort } from './storage-port.ts';

/** What a memory storage keeps; hand the same one to a new storage to act a restart. */
export type MemoryDisk = Map<string, Uint8Array>;

/** The double of the disk: same contract, nothing survives the process. */
export function createMemoryStorage(disk: MemoryDisk = new Map()): StoragePort {
  let closed = false;
  const closedError = err(codedError('transport', 'STORAGE_CLOSED', 'the storage was closed'));
  return {
    write: async (batch) => {
      if (closed) {
        return closedError;
      }
      for (const write of batch.writes) {
        if (write.op === 'put') {
          disk.set(write.key, write.value.slice());
        } else {
          disk.delete(write.key);
        }
      }
      return ok(undefined);
    },
    readAll: async () =>
      closed
        ? closedError
        : ok(
            [...disk]
              .map(([key, value]) => ({ key, value: value.slice() }))
              .sort((a, b) => compareText(a.key, b.key)),
          ),
    clear: async () => {
      if (closed) {
        return closedError;
      }
      disk.clear();
      return ok(undefined);
    },
    close: () => {
      closed = true;
    },
  };
}
