import type { Result } from '../../base/result.ts';
import { deleteIdbStorage } from './idb-storage.ts';
import { listOpfsNetworks, removeOpfsFiles, removeOpfsNetwork } from './opfs-storage.ts';
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

/** Networks that have a database or files. */
export async function storedNetworks(): Promise<ReadonlySet<string>> {
  const databases = await indexedDB.databases();
  const named = databases.flatMap(({ name = '' }) => networkOfStorage(name) ?? []);
  return new Set([...named, ...(await listOpfsNetworks())]);
}

/** Deletes the databases and files of a network. */
export async function eraseNetwork(networkId: string): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    if (networkOfStorage(name) === networkId) {
      await deleteIdbStorage(name);
    }
  }
  await removeOpfsNetwork(networkId);
}

/** Erases the disk of a node that was stopped, wherever it is kept. */
export async function wipeNodeStorage(
  networkId: string,
  nodeId: string,
): Promise<Result<void, StorageError>> {
  const files = await removeOpfsFiles(networkId, nodeId);
  return files.ok ? deleteIdbStorage(nodeStorageName(networkId, nodeId)) : files;
}
