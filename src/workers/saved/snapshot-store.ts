import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { SavedError } from '../../wire/saved-networks.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import { type CatalogueEntry, rowOf } from './catalogue.ts';
import type { NetworkFile } from './network-file.ts';

/** What is known of a snapshot without reading it. */
export interface SnapshotFacts {
  readonly id: string;
  readonly networkId: string;
  readonly takenMs: number;
  readonly height: number;
  readonly bytes: number;
  readonly deletedMs: number | null;
}

/**
 * Moments of networks that one can go back to. Chunks of checkpoints are stored once for each
 * network, however many of its snapshots have them; a snapshot is there as a whole or not at all.
 */
export interface SnapshotStore {
  /** Newest first. */
  list(): Promise<Result<readonly SnapshotFacts[], SavedError>>;
  /** Keys of the chunks that are here already: a new snapshot need not bring them. */
  knownChunks(networkId: string): Promise<Result<ReadonlySet<string>, SavedError>>;
  /**
   * Adds a snapshot and removes those that were deleted and, of the others, the oldest above `kept`.
   * Chunks with an empty value must be known; else STORAGE_FAILED, and nothing is changed.
   */
  put(facts: SnapshotFacts, file: NetworkFile, kept: number): Promise<Result<void, SavedError>>;
  read(id: string): Promise<Result<NetworkFile, SavedError>>;
  /** @param deletedMs null = it is on the list again */
  mark(id: string, deletedMs: number | null): Promise<Result<void, SavedError>>;
  /** Removes the snapshots of a network. */
  forgetNetwork(networkId: string): Promise<Result<void, SavedError>>;
}

const DATABASE = 'subnetarium-snapshots';
const CHUNK = 'chunk/';

interface Head extends SnapshotFacts {
  readonly chunks: readonly string[];
}

interface Body {
  readonly id: string;
  readonly entry: CatalogueEntry;
  readonly subnets: readonly {
    readonly nodeIds: readonly string[];
    /** Everything but the chunks. */
    readonly records: readonly StoredRecord[];
    readonly chunks: readonly string[];
  }[];
}

interface SnapshotDatabase extends DBSchema {
  readonly heads: { readonly key: string; readonly value: Head };
  readonly bodies: { readonly key: string; readonly value: Body };
  /** Under `<network>/<key of the chunk>`. */
  readonly chunks: { readonly key: string; readonly value: Uint8Array };
}

const STORES = ['heads', 'bodies', 'chunks'] as const;

/** @param name of the database; tests use their own */
export function createSnapshotStore(name = DATABASE): SnapshotStore {
  let opening: Promise<IDBPDatabase<SnapshotDatabase>> | undefined;
  const open = (): Promise<IDBPDatabase<SnapshotDatabase>> => {
    opening ??= openDB<SnapshotDatabase>(name, 1, {
      upgrade: (database) => {
        database.createObjectStore('heads', { keyPath: 'id' });
        database.createObjectStore('bodies', { keyPath: 'id' });
        database.createObjectStore('chunks');
      },
      terminated: () => {
        opening = undefined;
      },
    });
    return opening;
  };
  const guarded = async <T>(
    task: (database: IDBPDatabase<SnapshotDatabase>) => Promise<Result<T, SavedError>>,
  ): Promise<Result<T, SavedError>> => {
    try {
      return await task(await open());
    } catch (error) {
      opening = undefined;
      return err(storeError(error));
    }
  };
  return {
    list: () =>
      guarded(async (database) => {
        const heads = await database.getAll('heads');
        return ok(heads.map(factsOf).toSorted((a, b) => b.takenMs - a.takenMs));
      }),
    knownChunks: (networkId) =>
      guarded(async (database) => ok(await chunkKeys(database, networkId))),
    put: (facts, file, kept) =>
      guarded(async (database) => putSnapshot(database, { facts, file, kept })),
    read: (id) => guarded((database) => readSnapshot(database, id)),
    mark: (id, deletedMs) =>
      guarded(async (database) => {
        const head = await database.get('heads', id);
        if (head === undefined) {
          return err(unknownSnapshot(id));
        }
        await database.put('heads', { ...head, deletedMs });
        return ok(undefined);
      }),
    forgetNetwork: (networkId) =>
      guarded(async (database) => {
        const transaction = database.transaction(STORES, 'readwrite');
        const heads = await transaction.objectStore('heads').getAll();
        for (const { id } of heads.filter((head) => head.networkId === networkId)) {
          await transaction.objectStore('heads').delete(id);
          await transaction.objectStore('bodies').delete(id);
        }
        await transaction.objectStore('chunks').delete(rangeOf(networkId));
        await transaction.done;
        return ok(undefined);
      }),
  };
}

function factsOf({ id, networkId, takenMs, height, bytes, deletedMs }: Head): SnapshotFacts {
  return { id, networkId, takenMs, height, bytes, deletedMs };
}

interface NewSnapshot {
  readonly facts: SnapshotFacts;
  readonly file: NetworkFile;
  readonly kept: number;
}

async function putSnapshot(
  database: IDBPDatabase<SnapshotDatabase>,
  { facts, file, kept }: NewSnapshot,
): Promise<Result<void, SavedError>> {
  const { networkId } = facts;
  const isChunk = ({ key }: StoredRecord): boolean => key.startsWith(CHUNK);
  const subnets = file.subnets.map(({ nodeIds, records }) => ({
    nodeIds,
    records: records.filter((record) => !isChunk(record)),
    chunks: records.filter(isChunk).map(({ key }) => key),
  }));
  const fresh = file.subnets
    .flatMap(({ records }) => records)
    .filter((record) => isChunk(record) && record.value.length > 0);
  const transaction = database.transaction(STORES, 'readwrite');
  const heads = transaction.objectStore('heads');
  const chunks = transaction.objectStore('chunks');
  const present = new Set<string>(await chunks.getAllKeys(rangeOf(networkId)));
  for (const { key, value } of fresh) {
    if (!present.has(chunkKey(networkId, key))) {
      present.add(chunkKey(networkId, key));
      await chunks.put(value, chunkKey(networkId, key));
    }
  }
  const needed = subnets.flatMap((subnet) => subnet.chunks);
  if (needed.some((key) => !present.has(chunkKey(networkId, key)))) {
    transaction.abort();
    await transaction.done.catch(() => undefined);
    const message = 'Parts that older snapshots held were removed meanwhile.';
    return err(codedError('transport', 'STORAGE_FAILED', message));
  }
  await heads.put({ ...facts, chunks: needed });
  await transaction.objectStore('bodies').put({ id: facts.id, entry: file.entry, subnets });
  const ring = (await heads.getAll())
    .filter((head) => head.networkId === networkId)
    .toSorted((a, b) => b.takenMs - a.takenMs);
  const stay = ring.filter(({ deletedMs }) => deletedMs === null).slice(0, Math.max(1, kept));
  for (const { id } of ring.filter((head) => !stay.includes(head))) {
    await heads.delete(id);
    await transaction.objectStore('bodies').delete(id);
  }
  const used = new Set(stay.flatMap((head) => head.chunks.map((key) => chunkKey(networkId, key))));
  for (const key of [...present].filter((one) => !used.has(one))) {
    await chunks.delete(key);
  }
  await transaction.done;
  return ok(undefined);
}

async function readSnapshot(
  database: IDBPDatabase<SnapshotDatabase>,
  id: string,
): Promise<Result<NetworkFile, SavedError>> {
  const [head, body] = [await database.get('heads', id), await database.get('bodies', id)];
  if (head === undefined || body === undefined) {
    return err(unknownSnapshot(id));
  }
  const row = rowOf({ ...body.entry });
  if (!row.readable) {
    return err(codedError('input', 'FORMAT_UNKNOWN', row.problem));
  }
  const subnets = [];
  for (const { nodeIds, records, chunks } of body.subnets) {
    const found: StoredRecord[] = [];
    for (const key of chunks) {
      const value = await database.get('chunks', chunkKey(head.networkId, key));
      if (value === undefined) {
        return err(codedError('transport', 'STORAGE_FAILED', 'A part of the snapshot is gone.'));
      }
      found.push({ key, value });
    }
    subnets.push({ nodeIds, records: [...records, ...found] });
  }
  return ok({ entry: row.entry, subnets });
}

async function chunkKeys(
  database: IDBPDatabase<SnapshotDatabase>,
  networkId: string,
): Promise<ReadonlySet<string>> {
  const keys = await database.getAllKeys('chunks', rangeOf(networkId));
  return new Set(keys.map((key) => key.slice(networkId.length + 1)));
}

function chunkKey(networkId: string, key: string): string {
  return `${networkId}/${key}`;
}

/** All chunks of a network: `0` is the character after `/`. */
function rangeOf(networkId: string): IDBKeyRange {
  return IDBKeyRange.bound(`${networkId}/`, `${networkId}0`, false, true);
}

function unknownSnapshot(id: string): SavedError {
  return codedError('input', 'NETWORK_UNKNOWN', `There is no snapshot ${id}.`);
}

function storeError(error: unknown): SavedError {
  return error instanceof DOMException && error.name === 'QuotaExceededError'
    ? codedError('limit', 'STORAGE_FULL', "The browser's quota for this page is used up.")
    : codedError('transport', 'STORAGE_FAILED', `the snapshots: ${String(error)}`);
}
