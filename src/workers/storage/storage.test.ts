import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { deleteIdbStorage, openIdbStorage } from './idb-storage.ts';
import { createMemoryStorage, type MemoryDisk } from './memory-storage.ts';
import type { StoragePort } from './storage-port.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

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

const implementations: readonly [string, (name: string) => Promise<StoragePort>][] = [
  ['memory', async (name) => openMemory(name)],
  ['IndexedDB', openIdb],
];

describe.each(implementations)('storage contract: %s', (kind, open) => {
  it('gives back what was written, in key order, after it was opened again', async () => {
    const first = await open(`${kind}-order`);
    await first.write({
      puts: [
        ['b/2', bytes(2)],
        ['a/9', bytes(9, 9)],
        ['b/10', bytes()],
      ],
      deletes: [],
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

  it('applies writes in the order of their calls, deletes before puts of one batch', async () => {
    const storage = await open(`${kind}-writes`);
    const writes = [
      storage.write({ puts: [['k', bytes(1)]], deletes: [] }),
      storage.write({ puts: [['k', bytes(2)]], deletes: ['k'] }),
      storage.write({ puts: [['other', bytes(3)]], deletes: [] }),
      storage.write({ puts: [], deletes: ['other', 'never written'] }),
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
    await storage.write({ puts: [['w', window]], deletes: [] });
    large.fill(0);
    const all = await storage.readAll();
    const value = present(all.ok ? all.value[0]?.value : null, 'the record is there');
    expect([...value]).toEqual([7, 7]);
    expect(value.buffer.byteLength).toBe(2);
    storage.close();
  });

  it('is empty after clear and refuses everything after close', async () => {
    const storage = await open(`${kind}-clear`);
    await storage.write({ puts: [['k', bytes(1)]], deletes: [] });
    await storage.clear();
    expect(await storage.readAll()).toEqual({ ok: true, value: [] });
    storage.close();
    storage.close();
    for (const outcome of [
      await storage.write({ puts: [], deletes: [] }),
      await storage.readAll(),
      await storage.clear(),
    ]) {
      expect(outcome).toMatchObject({ ok: false, error: { code: 'STORAGE_CLOSED' } });
    }
  });
});

describe('IndexedDB storage', () => {
  it('is gone after it was deleted', async () => {
    const storage = await openIdb('to-delete');
    await storage.write({ puts: [['k', bytes(1)]], deletes: [] });
    storage.close();
    expect(await deleteIdbStorage('to-delete')).toEqual({ ok: true, value: undefined });
    const again = await openIdb('to-delete');
    expect(await again.readAll()).toEqual({ ok: true, value: [] });
    again.close();
  });

  it('keeps the databases of two nodes apart', async () => {
    const [a, b] = [await openIdb('node-a'), await openIdb('node-b')];
    await a.write({ puts: [['k', bytes(1)]], deletes: [] });
    expect(await b.readAll()).toEqual({ ok: true, value: [] });
    a.close();
    b.close();
  });
});
