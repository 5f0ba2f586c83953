import { err, ok, type Result } from '../../base/result.ts';
import { exposeControl } from '../control/remote.ts';
import { openNodeStorage } from '../storage/node-storage.ts';
import type { StorageError, StoredRecord } from '../storage/storage-port.ts';

/** Reads and writes the disks of nodes that do not run; only workers reach the files. */
const control = {
  read: async (
    networkId: string,
    nodeId: string,
  ): Promise<Result<readonly StoredRecord[], StorageError>> => {
    const opened = await openNodeStorage(networkId, nodeId);
    if (!opened.ok) {
      return opened;
    }
    const records = await opened.value.readAll();
    opened.value.close();
    return records;
  },
  /** Gives all these nodes the same records, on new disks. */
  write: async (
    networkId: string,
    nodeIds: readonly string[],
    records: readonly StoredRecord[],
  ): Promise<Result<void, StorageError>> => {
    const writes = records.map(({ key, value }) => ({ op: 'put' as const, key, value }));
    for (const nodeId of nodeIds) {
      const opened = await openNodeStorage(networkId, nodeId);
      if (!opened.ok) {
        return opened;
      }
      const cleared = await opened.value.clear();
      const written = cleared.ok ? await opened.value.write({ writes }) : cleared;
      opened.value.close();
      if (!written.ok) {
        return err(written.error);
      }
    }
    return ok(undefined);
  },
};

export type ArchiveControl = typeof control;

exposeControl(control);
