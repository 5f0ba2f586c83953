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
    const network = await networkFolder(networkId);
    const [first, second] = fileNames(nodeId);
    return ok(openLogStorage(await openFile(network, first), await openFile(network, second)));
  } catch (error) {
    return err(filesFailed(error));
  }
}

/** Removes the files of a node that was stopped; none is fine. */
export async function removeOpfsFiles(
  networkId: string,
  nodeId: string,
): Promise<Result<void, StorageError>> {
  try {
    const network = await networkFolder(networkId);
    for (const name of fileNames(nodeId)) {
      await untilUnlocked(() => network.removeEntry(name)).catch((error: unknown) => {
        if (!isNamed(error, 'NotFoundError')) {
          throw error;
        }
      });
    }
    return ok(undefined);
  } catch (error) {
    return err(filesFailed(error));
  }
}

async function networkFolder(networkId: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  return folder.getDirectoryHandle(networkId, { create: true });
}

function fileNames(nodeId: string): readonly [string, string] {
  return [`${nodeId}.a`, `${nodeId}.b`];
}

function filesFailed(error: unknown): StorageError {
  return codedError('transport', 'STORAGE_FAILED', `the node's files: ${String(error)}`);
}

/** Only workers have it, and this module is also type-checked with the page's library. */
interface SyncFileHandle {
  createSyncAccessHandle(): Promise<SyncFile>;
}

async function openFile(folder: FileSystemDirectoryHandle, name: string): Promise<SyncFile> {
  const handle = await folder.getFileHandle(name, { create: true });
  const file = handle as unknown as SyncFileHandle;
  return untilUnlocked(() => file.createSyncAccessHandle());
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof DOMException && error.name === name;
}

async function untilUnlocked<T>(task: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await task();
    } catch (error) {
      if (!isNamed(error, 'NoModificationAllowedError') || attempt >= LOCKED_RETRIES) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, LOCKED_RETRY_MS));
    }
  }
}

/** Networks that have files; none where the browser has no such files. */
export async function listOpfsNetworks(): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of (await allNetworks())?.keys() ?? []) {
    names.push(name);
  }
  return names;
}

/** Removes the files of a network; none is fine. */
export async function removeOpfsNetwork(networkId: string): Promise<void> {
  try {
    await (await allNetworks())?.removeEntry(networkId, { recursive: true });
  } catch (error) {
    if (!isNamed(error, 'NotFoundError')) {
      throw error;
    }
  }
}

async function allNetworks(): Promise<FileSystemDirectoryHandle | undefined> {
  const root = await navigator.storage.getDirectory().catch(() => undefined);
  return root?.getDirectoryHandle(FOLDER, { create: true });
}

/** Sizes of all nodes' files; null where the browser has no such files. */
export async function listOpfsFiles(): Promise<readonly NodeFileUse[] | null> {
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(FOLDER, { create: true });
    const sizes = new Map<string, NodeFileUse>();
    for await (const [networkId, network] of folder.entries()) {
      for await (const [name, file] of (network as FileSystemDirectoryHandle).entries()) {
        const nodeId = name.replace(/\.[ab]$/u, '');
        const { size } = await (file as FileSystemFileHandle).getFile();
        const key = `${networkId}/${nodeId}`;
        sizes.set(key, { networkId, nodeId, bytes: (sizes.get(key)?.bytes ?? 0) + size });
      }
    }
    return [...sizes.values()];
  } catch {
    // Removed while it was listed, or not allowed here: sizes are no reason to fail.
    return null;
  }
}

export interface NodeFileUse {
  readonly networkId: string;
  readonly nodeId: string;
  readonly bytes: number;
}
