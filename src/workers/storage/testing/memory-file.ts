import type { SyncFile } from '../log-storage.ts';

/** A file in memory with the calls of FileSystemSyncAccessHandle. */
export function createMemoryFile(): SyncFile {
  let content = new Uint8Array();
  return {
    read: (buffer, { at }) => {
      const part = content.subarray(at, at + buffer.length);
      buffer.set(part);
      return part.length;
    },
    write: (buffer, { at }) => {
      const grown = new Uint8Array(Math.max(content.length, at + buffer.length));
      grown.set(content);
      grown.set(buffer, at);
      content = grown;
      return buffer.length;
    },
    truncate: (size) => {
      const next = new Uint8Array(size);
      next.set(content.subarray(0, size));
      content = next;
    },
    getSize: () => content.length,
    close: () => undefined,
  };
}
