import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ok, type Result } from '../../base/result.ts';
import { defaultNetworkSpec } from '../../wire/network-spec.ts';
import { openIdbStorage } from '../storage/idb-storage.ts';
import { networkLockName, nodeStorageName, storedNetworks } from '../storage/stale-storage.ts';
import { makeNetwork } from './archive.ts';
import { type Catalogue, createCatalogue } from './catalogue.ts';
import { newEntry } from './network-opening.ts';
import { createSavedNetworks } from './saved-control.ts';
import { createSnapshotStore } from './snapshot-store.ts';
import { sweepStorage } from './sweep.ts';
import { FakeLocks } from './testing/two-tabs.ts';

const spec = defaultNetworkSpec({ seed: 'tabs', nodes: 1 });
const entryOf = (id: string) => newEntry(spec, { id, name: id, link: '' });
const file = {
  entry: { ...entryOf('file'), deletedMs: 5 },
  subnets: [{ nodeIds: ['aa'], records: [] }],
};

function value<T>(result: Result<T, unknown>): T {
  if (!result.ok) {
    throw new TypeError(JSON.stringify(result));
  }
  return result.value;
}

async function writeDisk(networkId: string): Promise<void> {
  const storage = value(await openIdbStorage(nodeStorageName(networkId, 'aa')));
  value(await storage.write({ writes: [{ op: 'put', key: 'k', value: Uint8Array.of(1) }] }));
  storage.close();
}

describe('two tabs of one browser', () => {
  let locks: FakeLocks;
  let catalogue: Catalogue;
  let names = 0;
  const store = createSnapshotStore('tabs');
  const sweep = (seen: Catalogue = catalogue): Promise<void> =>
    sweepStorage(seen, Date.now(), store);
  const stored = async (): Promise<readonly string[]> => [...(await storedNetworks())].toSorted();

  beforeEach(async () => {
    locks = new FakeLocks();
    const storage = { getDirectory: () => Promise.reject(new TypeError('no files here')) };
    vi.stubGlobal('navigator', { locks, storage });
    names += 1;
    catalogue = createCatalogue(`tabs ${names}`);
    await sweep();
    expect(await stored()).toEqual([]);
  });

  it('a sweep removes what belongs to nobody, and leaves what is listed or open', async () => {
    for (const id of ['listed', 'open', 'stray']) {
      await writeDisk(id);
    }
    value(await catalogue.put(entryOf('listed')));
    value(await catalogue.put({ ...entryOf('deleted'), deletedMs: 0 }));
    const facts = { id: 's', networkId: 'stray', takenMs: 1, height: 1, bytes: 1, deletedMs: null };
    value(await store.put(facts, file, 1));
    locks.hold(networkLockName('open'));
    await sweep();
    expect(await stored()).toEqual(['listed', 'open']);
    expect(value(await catalogue.rows()).map(({ entry }) => entry.id)).toEqual(['listed']);
    expect(value(await store.list())).toEqual([]);
  });

  it('a sweep that cannot read the list removes nothing', async () => {
    await writeDisk('stray');
    const error = { kind: 'transport', code: 'STORAGE_FAILED', message: '' } as const;
    await sweep({ ...catalogue, rows: async () => ({ ok: false, error }) });
    expect(await stored()).toEqual(['stray']);
  });

  it.each(['before', 'after'])(
    'a sweep spares a network that another tab finished, begun %s the sweep',
    async (begun) => {
      let release = (): void => undefined;
      if (begun === 'before') {
        release = locks.hold(networkLockName('done'));
        await writeDisk('done');
      }
      const seen: Catalogue = {
        ...catalogue,
        rows: async () => {
          const rows = await catalogue.rows();
          await writeDisk('done');
          value(await catalogue.put(entryOf('done')));
          return rows;
        },
        forget: async (id) => catalogue.forget(id),
      };
      const query = locks.query;
      vi.stubGlobal('navigator', {
        storage: navigator.storage,
        locks: {
          request: locks.request,
          query: async () => {
            const found = await query();
            release();
            return found;
          },
        },
      });
      await sweep(seen);
      expect(await stored()).toEqual(['done']);
      expect(value(await catalogue.rows())).toHaveLength(1);
    },
  );

  it('a sweep spares a network that another tab begins while it looks', async () => {
    await writeDisk('stray');
    const seen: Catalogue = {
      ...catalogue,
      rows: async () => {
        const rows = await catalogue.rows();
        locks.hold(networkLockName('begun'));
        await writeDisk('begun');
        return rows;
      },
    };
    await sweep(seen);
    expect(await stored()).toEqual(['begun']);
  });

  it('a sweep spares an old network that another tab takes up while it looks', async () => {
    await writeDisk('old');
    value(await catalogue.put({ ...entryOf('old'), deletedMs: 0 }));
    const seen: Catalogue = {
      ...catalogue,
      rows: async () => {
        const rows = await catalogue.rows();
        locks.hold(networkLockName('old'));
        return rows;
      },
    };
    await sweep(seen);
    expect(await stored()).toEqual(['old']);
    expect(value(await catalogue.rows())).toHaveLength(1);
  });

  it('an import is safe from the sweep of a tab that is loaded meanwhile', async () => {
    const id = value(
      await makeNetwork(file, 'imported', catalogue, async (task) => {
        const write = async (_options: unknown, _method: unknown, networkId: string) => {
          await writeDisk(networkId);
          await sweep();
          expect(value(await catalogue.rows())).toEqual([]);
          return ok(ok(undefined));
        };
        return task({ call: write as never, exited: () => undefined });
      }),
    );
    expect(await stored()).toEqual([id]);
    expect(value(await catalogue.rows())).toMatchObject([
      { entry: { name: 'imported', deletedMs: null } },
    ]);
    expect((await locks.query()).held).toEqual([]);
  });

  it('an import that the list does not take leaves nothing', async () => {
    const full = { put: async () => ({ ok: false, error: { code: 'STORAGE_FAILED' } }) as never };
    const made = await makeNetwork(file, 'imported', full, async (task) => {
      const write = async (_options: unknown, _method: unknown, networkId: string) => {
        await writeDisk(networkId);
        return ok(ok(undefined));
      };
      return task({ call: write as never, exited: () => undefined });
    });
    expect(made).toMatchObject({ error: { code: 'STORAGE_FAILED' } });
    expect(await stored()).toEqual([]);
  });

  it('what one tab has open the other neither erases nor exports', async () => {
    await writeDisk('theirs');
    value(await catalogue.put({ ...entryOf('theirs'), nodeIds: [['aa']] }));
    const release = locks.hold(networkLockName('theirs'));
    const saved = createSavedNetworks(catalogue, store, new Map());
    expect(await saved.erase('theirs')).toMatchObject({ error: { code: 'NETWORK_IN_USE' } });
    expect(await saved.exportNetwork('theirs')).toMatchObject({
      error: { code: 'NETWORK_IN_USE' },
    });
    expect(await stored()).toEqual(['theirs']);
    release();
    value(await saved.erase('theirs'));
    expect(await stored()).toEqual([]);
    expect(value(await catalogue.rows())).toEqual([]);
  });
});
