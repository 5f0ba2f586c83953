import { codedError, err, ok, type Result } from '../../base/result.ts';
import { openLogStorage, type SyncFile } from './log-storage.ts';
import type { StorageError, StoragePort } from './storage-port.ts';

const FOLDER = 'subnetarium';
/** A killed worker's files stay locked for a moment after it is gone. */
const LOCKED_RETRIES = 40;
const LOCKED_RETRY_MS = 50;

/** A node's two log files; undefined where the browser offers no synchronous files. */
export async function openOpfsStorage(
  networkId: string,
  nodeId: string,
): Promise<Result<StoragePort, StorageError> | undefined> {
  if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) {
    return undefined;
  }
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(FOLDER, { create: true });
    const network = await folder.getDirectoryHandle(networkId, { create: true });
    const first = await openFile(network, `${nodeId}.a`);
    const second = await openFile(network, `${nodeId}.b`);
    return ok(openLogStorage(first, second));
  } catch (error) {
    return err(codedError('transport', 'STORAGE_FAILED', `the node's files: ${String(error)}`));
  }
}

/** Only workers have it, and this module is also type-checked with the page's library. */
interface SyncFileHandle {
  createSyncAccessHandle(): Promise<SyncFile>;
}

async function openFile(folder: FileSystemDirectoryHandle, name: string): Promise<SyncFile> {
  const handle = await folder.getFileHandle(name, { create: true });
  const file = handle as unknown as SyncFileHandle;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      const locked = error instanceof DOMException && error.name === 'NoModificationAllowedError';
      if (!locked || attempt >= LOCKED_RETRIES) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, LOCKED_RETRY_MS));
    }
  }
}

/** Removes the files of all networks that `isStale` names. */
export async function removeOpfsNetworks(isStale: (networkId: string) => boolean): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const names: string[] = [];
  for await (const name of folder.keys()) {
    names.push(name);
  }
  for (const name of names.filter(isStale)) {
    await folder.removeEntry(name, { recursive: true });
  }
}
