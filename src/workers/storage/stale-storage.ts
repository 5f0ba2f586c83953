import type { Result } from '../../base/result.ts';
import { deleteIdbStorage } from './idb-storage.ts';
import { removeOpfsFiles, removeOpfsNetworks } from './opfs-storage.ts';
import type { StorageError } from './storage-port.ts';

/**
 * Names of a network's databases and of the Web Lock its tab holds as long as it lives: a database
 * whose lock nobody holds belongs to a tab that is gone.
 */
const PREFIX = 'subnetarium';

export function networkLockName(networkId: string): string {
  return `${PREFIX}/${networkId}`;
}

export function nodeStorageName(networkId: string, nodeId: string): string {
  return `${networkLockName(networkId)}/${nodeId}`;
}

/** The lock a database belongs to; undefined when the database is none of ours. */
export function lockOfStorage(databaseName: string): string | undefined {
  const [prefix, networkId, nodeId] = databaseName.split('/');
  return prefix === PREFIX && networkId !== undefined && nodeId !== undefined
    ? networkLockName(networkId)
    : undefined;
}

/** Deletes the databases and files of networks whose tabs are gone; they cannot be opened again. */
export async function sweepStaleStorage(): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  const alive = new Set(held.map((lock) => lock.name));
  for (const { name = '' } of await indexedDB.databases()) {
    const lock = lockOfStorage(name);
    if (lock !== undefined && !alive.has(lock)) {
      await deleteIdbStorage(name);
    }
  }
  await removeOpfsNetworks((networkId) => !alive.has(networkLockName(networkId)));
}

/** Erases the disk of a node that was stopped, wherever it is kept. */
export async function wipeNodeStorage(
  networkId: string,
  nodeId: string,
): Promise<Result<void, StorageError>> {
  const files = await removeOpfsFiles(networkId, nodeId);
  return files.ok ? deleteIdbStorage(nodeStorageName(networkId, nodeId)) : files;
}
