import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { ok, type Result } from '../../base/result.ts';
import { defaultNetworkSpec } from '../../wire/network-spec.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import { createAutosave } from './autosave.ts';
import { createCatalogue } from './catalogue.ts';
import { type Momentary, readMoment } from './network-moment.ts';
import { newEntry } from './network-opening.ts';
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
function twoSubnets(more: { readonly unrest?: number } = {}) {
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
      return { nodes: [node('aa'), node('bb')], canisters: [{}] };
    },
  };
  const read = async (nodeId: string) => {
    calls.push(`${nodeId} at ${height} ${paused ? 'at rest' : 'going on'}`);
    return ok([{ key: `artifact/finalization/${height}/${nodeId}`, value: Uint8Array.of(1) }]);
  };
  return { network: network as unknown as Momentary, read, calls, sleep: async () => undefined };
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

  it('is not made up when they do not come to rest; they go on', async () => {
    const { network, read, calls, sleep } = twoSubnets({ unrest: 1_000 });
    expect(await readMoment(network, { read, sleep })).toMatchObject({
      error: { code: 'STORAGE_FAILED' },
    });
    expect(calls).toEqual(['pause', 'resume']);
  });
});

describe('autosave', () => {
  async function scene(name: string, freeBytes: number | null) {
    const catalogue = createCatalogue(`${name} catalogue`);
    value(await catalogue.put({ ...entry, autosave: { kept: 2, everyMinutes: 5 } }));
    const { network, read } = twoSubnets();
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
    const checkpointAt = (minutes: number): void => {
      nowMs = minutes * 60_000;
      catchUpPackage += 10;
      listener({ events: [{ kind: 'nodeHeights', heights: { catchUpPackage } }] });
    };
    return { store, autosave, checkpointAt };
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
    }
    expect(await taken()).toEqual([15, 10]);
  });

  it('leaves the room to the nodes when there is little', async () => {
    const { store, autosave } = await scene('full', 1);
    expect(await autosave.take()).toMatchObject({ error: { code: 'STORAGE_FULL' } });
    expect(autosave.problem()).toContain('MiB');
    expect(value(await store.list())).toEqual([]);
  });
});
