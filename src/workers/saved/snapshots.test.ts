import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { openDB } from 'idb';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { defaultNetworkSpec } from '../../wire/network-spec.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import { createAutosave } from './autosave.ts';
import { createCatalogue } from './catalogue.ts';
import { type Momentary, readMoment } from './network-moment.ts';
import { newEntry } from './network-opening.ts';
import { createSnapshotControl } from './snapshot-control.ts';
import { createSnapshotStore, type SnapshotFacts, type SnapshotStore } from './snapshot-store.ts';

const spec = defaultNetworkSpec({ seed: 'snapshots', nodes: 1 });
const entry = newEntry(spec, { id: 'net', name: 'net', link: '' });

function value<T>(result: Result<T, unknown>): T {
  if (!result.ok) {
    throw new TypeError(JSON.stringify(result));
  }
  return result.value;
}

const facts = (id: string, takenMs: number): SnapshotFacts => ({
  id,
  networkId: 'net',
  takenMs,
  height: takenMs,
  bytes: 1,
  deletedMs: null,
});
const fileOf = (...records: readonly StoredRecord[]) => ({
  entry,
  subnets: [{ nodeIds: ['aa'], records }],
});
const chunk = (name: string, fill = 1): StoredRecord => ({
  key: `chunk/${name}`,
  value: new Uint8Array(8).fill(fill),
});
const known = (name: string): StoredRecord => ({ key: `chunk/${name}`, value: new Uint8Array() });
const block: StoredRecord = { key: 'artifact/finalization/3/ab', value: Uint8Array.of(3) };

const ids = async (store: SnapshotStore): Promise<readonly string[]> =>
  value(await store.list()).map(({ id }) => id);

describe('the ring of snapshots', () => {
  it('stores a chunk once, and removes the oldest with the chunks that only it had', async () => {
    const store = createSnapshotStore('ring');
    value(await store.put(facts('one', 1), fileOf(block, chunk('00'), chunk('01')), 2));
    value(await store.put(facts('two', 2), fileOf(block, known('00'), chunk('02')), 2));
    expect(value(await store.knownChunks('net'))).toEqual(
      new Set(['chunk/00', 'chunk/01', 'chunk/02']),
    );
    value(await store.put(facts('three', 3), fileOf(known('00'), chunk('03')), 2));
    expect(await ids(store)).toEqual(['three', 'two']);
    expect(value(await store.knownChunks('net'))).toEqual(
      new Set(['chunk/00', 'chunk/02', 'chunk/03']),
    );
    expect(value(await store.read('two')).subnets).toEqual([
      { nodeIds: ['aa'], records: [block, chunk('00'), chunk('02')] },
    ]);
    expect(await store.read('one')).toMatchObject({ error: { code: 'NETWORK_UNKNOWN' } });
  });

  it('takes nothing of a snapshot whose parts are not all there', async () => {
    const store = createSnapshotStore('whole');
    value(await store.put(facts('one', 1), fileOf(chunk('00')), 3));
    const refused = await store.put(facts('two', 2), fileOf(known('07'), chunk('08')), 3);
    expect(refused).toMatchObject({ error: { code: 'STORAGE_FAILED' } });
    expect(await ids(store)).toEqual(['one']);
    expect(value(await store.knownChunks('net'))).toEqual(new Set(['chunk/00']));
  });

  it('brings a deleted snapshot back until the next one is taken', async () => {
    const store = createSnapshotStore('undo');
    value(await store.put(facts('one', 1), fileOf(chunk('00')), 3));
    value(await store.mark('one', 5));
    expect(value(await store.list())[0]?.deletedMs).toBe(5);
    value(await store.mark('one', null));
    expect(value(await store.list())[0]?.deletedMs).toBe(null);
    value(await store.mark('one', 6));
    value(await store.put(facts('two', 2), fileOf(chunk('01')), 3));
    expect(await ids(store)).toEqual(['two']);
    expect(await store.mark('one', null)).toMatchObject({ error: { code: 'NETWORK_UNKNOWN' } });
  });

  it('leaves the snapshots of other networks alone, and no bodies of those it removed', async () => {
    const store = createSnapshotStore('several');
    value(await store.put({ ...facts('x', 9), networkId: 'net2' }, fileOf(chunk('00')), 1));
    value(await store.put(facts('one', 1), fileOf(chunk('00')), 1));
    expect(await ids(store)).toEqual(['x', 'one']);
    value(await store.put(facts('two', 2), fileOf(chunk('00')), 1));
    expect(await ids(store)).toEqual(['x', 'two']);
    const database = await openDB('several');
    expect(await database.getAllKeys('bodies')).toEqual(['two', 'x']);
    database.close();
  });

  it('says of a snapshot of another format, or one that lost a part, what it is', async () => {
    const store = createSnapshotStore('unreadable');
    const later = { ...fileOf(chunk('00')), entry: { ...entry, format: 99 } };
    value(await store.put(facts('later', 1), later, 3));
    expect(await store.read('later')).toMatchObject({ error: { code: 'FORMAT_UNKNOWN' } });
    value(await store.put(facts('torn', 2), fileOf(chunk('01')), 3));
    const database = await openDB('unreadable');
    await database.delete('chunks', 'net/chunk/01');
    database.close();
    expect(await store.read('torn')).toMatchObject({ error: { code: 'STORAGE_FAILED' } });
  });

  it('opens no snapshot whose chunks are not what their names say, and keeps no odd setting', async () => {
    const store = createSnapshotStore('forged');
    const catalogue = createCatalogue('forged catalogue');
    value(await catalogue.put(entry));
    value(await store.put(facts('one', 1), fileOf(chunk('00')), 3));
    const control = createSnapshotControl(catalogue, store, new Map());
    expect(await control.openSnapshot('one')).toMatchObject({
      error: { code: 'STORAGE_FAILED', message: 'The snapshot is damaged.' },
    });
    expect(await control.setAutosave('net', { kept: 11, everyMinutes: 5 })).toMatchObject({
      error: { code: 'INVALID_ARGUMENT' },
    });
    value(await control.setAutosave('net', { kept: 3, everyMinutes: 9 }));
    expect(value(await catalogue.rows())[0]?.entry).toMatchObject({
      autosave: { kept: 3, everyMinutes: 9 },
    });
  });

  it('goes with its network, and leaves those of others', async () => {
    const store = createSnapshotStore('gone');
    value(await store.put(facts('one', 1), fileOf(chunk('00')), 3));
    value(await store.put({ ...facts('x', 2), networkId: 'net2' }, fileOf(chunk('00')), 3));
    value(await store.forgetNetwork('net'));
    expect(await ids(store)).toEqual(['x']);
    expect(value(await store.knownChunks('net')).size).toBe(0);
    expect(value(await store.read('x')).subnets[0]?.records).toEqual([chunk('00')]);
  });
});

/** Two subnets whose nodes finalize with each look at them until time stands still. */
function twoSubnets(
  more: { readonly unrest?: number; readonly canisters?: readonly object[] } = {},
) {
  let paused = false;
  let height = 10;
  let unrest = more.unrest ?? 0;
  const calls: string[] = [];
  const node = (nodeId: string) => ({
    nodeId,
    state: 'running',
    heights: { finalized: height, catchUpPackage: 0 },
  });
  const network = {
    clock: {
      now: () => ({ paused }),
      pause: async () => {
        calls.push('pause');
        paused = true;
        return ok(undefined);
      },
      resume: async () => {
        calls.push('resume');
        paused = false;
        return ok(undefined);
      },
    },
    topology: () => ({
      subnets: [
        { nodes: [{ nodeId: 'aa' }], spareNodes: [] },
        { nodes: [{ nodeId: 'bb' }], spareNodes: [] },
      ],
    }),
    snapshot: async () => {
      if (!paused || unrest > 0) {
        height += 1;
        unrest -= paused ? 1 : 0;
      }
      return { nodes: [node('aa'), node('bb')], canisters: more.canisters ?? [{}] };
    },
  };
  const read = async (nodeId: string) => {
    calls.push(`${nodeId} at ${height} ${paused ? 'at rest' : 'going on'}`);
    return ok([{ key: `artifact/finalization/${height}/${nodeId}`, value: Uint8Array.of(1) }]);
  };
  const stir = (): void => {
    unrest = 1;
  };
  const sleep = async () => undefined;
  return { network: network as unknown as Momentary, read, calls, sleep, stir };
}

describe('one moment of several subnets', () => {
  it('is read while they rest, both at their heights of then', async () => {
    const { network, read, calls, sleep } = twoSubnets({ unrest: 3 });
    const moment = value(await readMoment(network, { read, sleep }));
    expect(calls).toEqual([
      'pause',
      expect.stringMatching(/^aa at \d+ at rest$/u),
      expect.stringMatching(/^bb at \d+ at rest$/u),
      'resume',
    ]);
    const heights = moment.map(({ records }) => records[0]?.key.split('/')[2]);
    expect(heights[0]).toBe(heights[1]);
  });

  it('leaves a network paused that was paused', async () => {
    const { network, read, calls, sleep } = twoSubnets();
    await network.clock.pause();
    value(await readMoment(network, { read, sleep }));
    expect(calls).not.toContain('resume');
  });

  it('is read again when they went on meanwhile', async () => {
    const scene = twoSubnets();
    let reads = 0;
    const read = async (nodeId: string) => {
      reads += 1;
      if (reads === 2) {
        scene.stir();
      }
      return scene.read(nodeId);
    };
    const moment = value(await readMoment(scene.network, { read, sleep: scene.sleep }));
    expect(reads).toBe(4);
    const heights = moment.map(({ records }) => records[0]?.key.split('/')[2]);
    expect(heights[0]).toBe(heights[1]);
  });

  it('is that of the furthest node that runs and can be read, without what is only its own', async () => {
    const node = (nodeId: string, finalized: number, state = 'running') => ({
      nodeId,
      state,
      heights: { finalized },
    });
    const ids = ['a1', 'a2', 'a3', 'a4'];
    const network = {
      topology: () => ({ subnets: [{ nodes: ids.map((nodeId) => ({ nodeId })), spareNodes: [] }] }),
      snapshot: async () => ({
        nodes: [node('a1', 5), node('a2', 9), node('a3', 7), node('a4', 11, 'stopped')],
      }),
    } as unknown as Momentary;
    const asked: string[] = [];
    const read = async (nodeId: string) => {
      asked.push(nodeId);
      const own = { key: 'artifact/notarizationShare/8/cd', value: Uint8Array.of(9) };
      return nodeId === 'a2'
        ? err(codedError('transport', 'STORAGE_FAILED', 'damaged'))
        : ok([block, own]);
    };
    const moment = value(await readMoment(network, { read }));
    expect(asked).toEqual(['a2', 'a3']);
    expect(moment).toEqual([{ nodeIds: ids, records: [block] }]);
  });

  it('is not made up when they do not come to rest; they go on', async () => {
    const { network, read, calls, sleep } = twoSubnets({ unrest: 1_000 });
    expect(await readMoment(network, { read, sleep })).toMatchObject({
      error: { code: 'STORAGE_FAILED' },
    });
    expect(calls).toEqual(['pause', 'resume']);
  });
});

describe('autosave', () => {
  /** Whatever is under way comes to its end. */
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 300; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  async function scene(
    name: string,
    freeBytes: number | null,
    canisters: readonly object[] = [{}],
  ) {
    const catalogue = createCatalogue(`${name} catalogue`);
    value(await catalogue.put({ ...entry, autosave: { kept: 2, everyMinutes: 5 } }));
    const { network, read } = twoSubnets({ canisters });
    let listener: (batch: unknown) => void = () => undefined;
    const events = {
      subscribe: (given: (batch: unknown) => void) => {
        listener = given;
        return () => undefined;
      },
    };
    let nowMs = 0;
    const store = createSnapshotStore(name);
    const autosave = createAutosave({
      networkId: 'net',
      network: { ...network, events } as never,
      catalogue,
      store,
      read,
      nowMs: () => nowMs,
      freeBytes: async () => freeBytes,
    });
    let catchUpPackage = 0;
    const checkpointAt = (minutes: number, isNew = true): void => {
      nowMs = minutes * 60_000;
      catchUpPackage += isNew ? 10 : 0;
      listener({ events: [{ kind: 'nodeHeights', heights: { catchUpPackage } }] });
    };
    return { store, autosave, checkpointAt, catalogue };
  }

  it('takes one with a checkpoint once the last is old enough, and keeps the newest', async () => {
    const { store, checkpointAt } = await scene('autosave', null);
    const taken = async (): Promise<readonly number[]> =>
      value(await store.list()).map(({ takenMs }) => takenMs / 60_000);
    checkpointAt(4);
    for (const minutes of [5, 10, 15]) {
      checkpointAt(minutes);
      await expect.poll(async () => (await taken())[0], { timeout: 20_000 }).toBe(minutes);
      checkpointAt(minutes + 4);
      await turns();
      expect((await taken())[0]).toBe(minutes);
    }
    checkpointAt(30, false);
    await turns();
    expect(await taken()).toEqual([15, 10]);
  });

  it('takes none while the reader wants none, or nothing is there; one at a time', async () => {
    const { store, autosave, checkpointAt, catalogue } = await scene('none', null);
    value(await catalogue.change('net', { autosave: { kept: 0, everyMinutes: 5 } }));
    checkpointAt(10);
    await turns();
    expect(value(await store.list())).toEqual([]);
    const [first, second] = await Promise.all([autosave.take(), autosave.take()]);
    expect(value(first)).toBe(value(second));
    expect(value(await store.list())).toHaveLength(1);
    value(await catalogue.change('net', { autosave: { kept: 2, everyMinutes: 5 } }));
    const empty = await scene('empty', null, []);
    empty.checkpointAt(10);
    await turns();
    expect(value(await empty.store.list())).toEqual([]);
  });

  it('leaves the room to the nodes when there is little', async () => {
    const { store, autosave } = await scene('full', 1);
    expect(await autosave.take()).toMatchObject({ error: { code: 'STORAGE_FULL' } });
    expect(autosave.problem()).toContain('MiB');
    expect(value(await store.list())).toEqual([]);
  });
});
