import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from 'idb';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { crc32 } from '../../protocol/crypto/crc32.ts';
import type { StorageBatch, StorageError, StoragePort } from './storage-port.ts';

interface NodeDatabase extends DBSchema {
  readonly records: { readonly key: string; readonly value: Uint8Array };
}

const SCHEMA_VERSION = 1;
const STORE = 'records';

/**
 * One IndexedDB database per node, one relaxed transaction per write: measured to lose nothing
 * acknowledged when the worker, the tab or the browser is killed.
 */
export async function openIdbStorage(name: string): Promise<Result<StoragePort, StorageError>> {
  try {
    const database = await openDB<NodeDatabase>(name, SCHEMA_VERSION, {
      upgrade: (opened) => {
        opened.createObjectStore(STORE);
      },
    });
    return ok(createIdbStorage(database));
  } catch (error) {
    return err(storageError(error));
  }
}

/** Removes the database of a node; waits until its last connection is closed. */
export async function deleteIdbStorage(name: string): Promise<Result<void, StorageError>> {
  try {
    await deleteDB(name);
    return ok(undefined);
  } catch (error) {
    return err(storageError(error));
  }
}

/** A record's value and, behind it, the CRC-32 of its key and value. */
const CRC_BYTES = 4;

function createIdbStorage(database: IDBPDatabase<NodeDatabase>): StoragePort {
  const damage: string[] = [];
  let closed = false;
  let broken: StorageError | undefined;
  const guarded = async <T>(task: () => Promise<T>): Promise<Result<T, StorageError>> => {
    if (closed) {
      return err(codedError('transport', 'STORAGE_CLOSED', 'the storage was closed'));
    }
    try {
      return ok(await task());
    } catch (error) {
      return err(storageError(error));
    }
  };
  return {
    write: async (batch) => {
      const outcome =
        broken === undefined || closed ? await guarded(() => apply(database, batch)) : err(broken);
      if (!outcome.ok) {
        broken ??= outcome.error;
      }
      // Later transactions were queued before this one was known to fail.
      return broken === undefined || closed ? outcome : err(broken);
    },
    readAll: () =>
      guarded(async () => {
        const transaction = database.transaction(STORE, 'readonly');
        const [keys, values] = await Promise.all([
          transaction.store.getAllKeys(),
          transaction.store.getAll(),
        ]);
        return keys.flatMap((key, index) => {
          const value = unseal(key, values[index] as Uint8Array);
          if (value === undefined) {
            damage.push(`${key} is damaged`);
          }
          return value === undefined ? [] : [{ key, value }];
        });
      }),
    damage: () => damage,
    clear: () => guarded(() => database.clear(STORE)),
    close: () => {
      if (!closed) {
        closed = true;
        database.close();
      }
    },
  };
}

function seal(key: string, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(value.length + CRC_BYTES);
  sealed.set(value);
  new DataView(sealed.buffer).setUint32(value.length, checksum(key, value));
  return sealed;
}

function unseal(key: string, sealed: Uint8Array): Uint8Array | undefined {
  const value = sealed.slice(0, Math.max(0, sealed.length - CRC_BYTES));
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const isIntact =
    sealed.length >= CRC_BYTES && view.getUint32(value.length) === checksum(key, value);
  return isIntact ? value : undefined;
}

function checksum(key: string, value: Uint8Array): number {
  return (crc32(encodeUtf8(key)) ^ crc32(value)) >>> 0;
}

/** One transaction: all of the batch, or nothing. */
async function apply(database: IDBPDatabase<NodeDatabase>, batch: StorageBatch): Promise<void> {
  const transaction = database.transaction(STORE, 'readwrite', { durability: 'relaxed' });
  const requests: Promise<unknown>[] = [transaction.done];
  try {
    for (const write of batch.writes) {
      requests.push(
        write.op === 'put'
          ? // Copied: the view may be a small window of a large buffer, which a clone keeps whole.
            transaction.store.put(seal(write.key, write.value), write.key)
          : transaction.store.delete(write.key),
      );
    }
  } catch (error) {
    // What was asked before would be committed without the rest.
    transaction.abort();
    await Promise.allSettled(requests);
    throw error;
  }
  await Promise.all(requests);
}

function storageError(error: unknown): StorageError {
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  return name === 'QuotaExceededError'
    ? codedError(
        'limit',
        'STORAGE_FULL',
        `the browser's quota for this page is used up: ${message}`,
      )
    : codedError('transport', 'STORAGE_FAILED', `IndexedDB failed: ${name} ${message}`);
}
