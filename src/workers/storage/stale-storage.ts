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

/** The network a database belongs to; undefined when it is no node's. */
export function networkOfStorage(databaseName: string): string | undefined {
  const [prefix, networkId, nodeId] = databaseName.split('/');
  return prefix === PREFIX && nodeId !== undefined ? networkId : undefined;
}

/** Names of networks that some tab has open. */
export async function lockedNetworks(): Promise<ReadonlySet<string>> {
  const { held = [] } = await navigator.locks.query();
  return new Set(held.flatMap(({ name = '' }) => networkOfLock(name)));
}

function networkOfLock(name: string): readonly string[] {
  const [prefix, networkId, ...rest] = name.split('/');
  return prefix === PREFIX && networkId !== undefined && rest.length === 0 ? [networkId] : [];
}

/** Deletes the databases and files of networks that `isStale` names. */
export async function eraseNetworks(isStale: (networkId: string) => boolean): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    const networkId = networkOfStorage(name);
    if (networkId !== undefined && isStale(networkId)) {
      await deleteIdbStorage(name);
    }
  }
  await removeOpfsNetworks(isStale);
}

/** Erases the disk of a node that was stopped, wherever it is kept. */
export async function wipeNodeStorage(
  networkId: string,
  nodeId: string,
): Promise<Result<void, StorageError>> {
  const files = await removeOpfsFiles(networkId, nodeId);
  return files.ok ? deleteIdbStorage(nodeStorageName(networkId, nodeId)) : files;
}
