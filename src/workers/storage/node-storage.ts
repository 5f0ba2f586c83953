import type { Result } from '../../base/result.ts';
import { openIdbStorage } from './idb-storage.ts';
import { openOpfsStorage } from './opfs-storage.ts';
import { nodeStorageName } from './stale-storage.ts';
import type { StorageError, StoragePort } from './storage-port.ts';

/**
 * The disk of a node: files with synchronous writes where the browser has them, else IndexedDB.
 * Measured in a busy worker: a write takes 25 ms through IndexedDB, whose answer queues behind the
 * worker's other events, and about 1 ms through a file.
 */
export async function openNodeStorage(
  networkId: string,
  nodeId: string,
): Promise<Result<StoragePort, StorageError>> {
  const files = await openOpfsStorage(networkId, nodeId);
  return files ?? openIdbStorage(nodeStorageName(networkId, nodeId));
}
