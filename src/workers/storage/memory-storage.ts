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
      for (const key of batch.deletes) {
        disk.delete(key);
      }
      for (const [key, value] of batch.puts) {
        disk.set(key, value.slice());
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
