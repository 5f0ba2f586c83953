import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import type { StorageWrite } from '../../protocol/node/node-io.ts';
import { deleteIdbStorage, openIdbStorage } from './idb-storage.ts';
import { openLogStorage, type SyncFile } from './log-storage.ts';
import { createMemoryStorage, type MemoryDisk } from './memory-storage.ts';
import type { StoragePort } from './storage-port.ts';
import { createMemoryFile } from './testing/memory-file.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (key: string, value: Uint8Array): StorageWrite => ({ op: 'put', key, value });
const remove = (key: string): StorageWrite => ({ op: 'delete', key });

async function openIdb(name: string): Promise<StoragePort> {
  const opened = await openIdbStorage(name);
  return present(opened.ok ? opened.value : null, 'the database opens');
}

const disks = new Map<string, MemoryDisk>();
function openMemory(name: string): StoragePort {
  const disk = disks.get(name) ?? new Map<string, Uint8Array>();
  disks.set(name, disk);
  return createMemoryStorage(disk);
}

const files = new Map<string, readonly [SyncFile, SyncFile]>();
function openLog(name: string): StoragePort {
  const pair = files.get(name) ?? ([createMemoryFile(), createMemoryFile()] as const);
  files.set(name, pair);
  return openLogStorage(...pair);
}

const implementations: readonly [string, (name: string) => Promise<StoragePort>][] = [
  ['memory', async (name) => openMemory(name)],
  ['IndexedDB', openIdb],
  ['log files', async (name) => openLog(name)],
];

describe.each(implementations)('storage contract: %s', (kind, open) => {
  it('gives back what was written, in key order, after it was opened again', async () => {
    const first = await open(`${kind}-order`);
    await first.write({
      writes: [put('b/2', bytes(2)), put('a/9', bytes(9, 9)), put('b/10', bytes())],
    });
    first.close();
    const second = await open(`${kind}-order`);
    expect(await second.readAll()).toEqual({
      ok: true,
      value: [
        { key: 'a/9', value: bytes(9, 9) },
        { key: 'b/10', value: bytes() },
        { key: 'b/2', value: bytes(2) },
      ],
    });
    second.close();
  });

  it('applies writes in the order of their calls, and of one batch in its order', async () => {
    const storage = await open(`${kind}-writes`);
    const writes = [
      storage.write({ writes: [put('k', bytes(1))] }),
      storage.write({ writes: [remove('k'), put('k', bytes(2))] }),
      storage.write({ writes: [put('other', bytes(3))] }),
      storage.write({ writes: [put('brief', bytes(4)), remove('brief'), remove('other')] }),
      storage.write({ writes: [remove('never written')] }),
    ];
    for (const outcome of await Promise.all(writes)) {
      expect(outcome.ok).toBe(true);
    }
    expect(await storage.readAll()).toEqual({ ok: true, value: [{ key: 'k', value: bytes(2) }] });
    storage.close();
  });

  it('stores only the window of a larger buffer, and a copy of it', async () => {
    const storage = await open(`${kind}-window`);
    const large = new Uint8Array(1 << 16).fill(7);
    const window = large.subarray(10, 12);
    await storage.write({ writes: [put('w', window)] });
    large.fill(0);
    const all = await storage.readAll();
    const value = present(all.ok ? all.value[0]?.value : null, 'the record is there');
    expect([...value]).toEqual([7, 7]);
    expect(value.buffer.byteLength).toBe(2);
    storage.close();
  });

  it('is empty after clear and refuses everything after close', async () => {
    const storage = await open(`${kind}-clear`);
    await storage.write({ writes: [put('k', bytes(1))] });
    await storage.clear();
    expect(await storage.readAll()).toEqual({ ok: true, value: [] });
    storage.close();
    storage.close();
    for (const outcome of [
      await storage.write({ writes: [] }),
      await storage.readAll(),
      await storage.clear(),
    ]) {
      expect(outcome).toMatchObject({ ok: false, error: { code: 'STORAGE_CLOSED' } });
    }
  });
});

describe('IndexedDB storage', () => {
  it('stores nothing of a batch whose later part cannot be stored, and no batch after it', async () => {
    const storage = await openIdb('half');
    await storage.write({ writes: [put('before', bytes(1))] });
    const notAKey = Number.NaN as unknown as string;
    const writes = [put('first half', bytes(2)), put(notAKey, bytes(3))];
    const outcomes = await Promise.all([
      storage.write({ writes }),
      storage.write({ writes: [put('next', bytes(4))] }),
    ]);
    const failed = { ok: false, error: { code: 'STORAGE_FAILED' } };
    expect(outcomes).toMatchObject([failed, failed]);
    expect(await storage.write({ writes: [put('later', bytes(5))] })).toMatchObject(failed);
    storage.close();
    const again = await openIdb('half');
    const all = await again.readAll();
    const keys = all.ok ? all.value.map(({ key }) => key) : [];
    expect(keys).toContain('before');
    expect(keys).not.toContain('first half');
    expect(keys).not.toContain('later');
    again.close();
  });

  it('leaves out a record that was changed behind its back, and tells of it', async () => {
    const storage = await openIdb('damaged');
    await storage.write({ writes: [put('good', bytes(1)), put('bad', bytes(2, 3))] });
    storage.close();
    const database = await openDB('damaged');
    const sealed = (await database.get('records', 'bad')) as Uint8Array;
    sealed[0] = 9;
    await database.put('records', sealed, 'bad');
    database.close();
    const again = await openIdb('damaged');
    expect(await again.readAll()).toEqual({ ok: true, value: [{ key: 'good', value: bytes(1) }] });
    expect(again.damage?.()).toEqual(['bad is damaged']);
    again.close();
  });

  it('is gone after it was deleted', async () => {
    const storage = await openIdb('to-delete');
    await storage.write({ writes: [put('k', bytes(1))] });
    storage.close();
    expect(await deleteIdbStorage('to-delete')).toEqual({ ok: true, value: undefined });
    const again = await openIdb('to-delete');
    expect(await again.readAll()).toEqual({ ok: true, value: [] });
    again.close();
  });

  it('keeps the databases of two nodes apart', async () => {
    const [a, b] = [await openIdb('node-a'), await openIdb('node-b')];
    await a.write({ writes: [put('k', bytes(1))] });
    expect(await b.readAll()).toEqual({ ok: true, value: [] });
    a.close();
    b.close();
  });
});
