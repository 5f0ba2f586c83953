import type { CodedError, Result } from '../../base/result.ts';
import type { StorageWrite } from '../../protocol/node/node-io.ts';

/** One atomic batch, applied in its order: all of it is there afterwards, or nothing. */
export interface StorageBatch {
  readonly writes: readonly StorageWrite[];
}

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/** What is read of a disk before a node starts, and the rest when it is needed. */
export interface SmallRecords {
  /** Whatever was checked when the storage was opened, in key order; each value owns its bytes. */
  readonly records: readonly StoredRecord[];
  /** Lengths of the other values, by key. */
  readonly large: ReadonlyMap<string, number>;
  /** The value that a key has now; undefined when it is gone or damaged, which `damage` tells. */
  read(key: string): Uint8Array | undefined;
}

export type StorageErrorCode = 'STORAGE_CLOSED' | 'STORAGE_FULL' | 'STORAGE_FAILED';
export type StorageError = CodedError<StorageErrorCode>;

/**
 * The disk of one node: bytes under text keys. Writes are applied in the order of their calls; a
 * write is acknowledged once a kill of the worker or the tab can no longer lose it. After a write
 * that failed no later one succeeds until the storage is opened again: an acknowledgement speaks for
 * everything before it.
 */
export interface StoragePort {
  write(batch: StorageBatch): Promise<Result<void, StorageError>>;
  /** Everything whose checksum is right, in key order (UTF-16 code units). Values may be views of one buffer. */
  readAll(): Promise<Result<readonly StoredRecord[], StorageError>>;
  /** The same without large values; absent where they cannot be read at once. */
  readSmall?(): Promise<Result<SmallRecords, StorageError>>;
  /**
   * Records that were acknowledged and are damaged or gone, in words, as found when the storage was
   * opened and read. They are left out: what peers hold comes back, an own vote does not.
   */
  damage?(): readonly string[];
  /** Removes every record; the store stays usable. */
  clear(): Promise<Result<void, StorageError>>;
  /** Idempotent; every later call answers STORAGE_CLOSED. */
  close(): void;
}
