import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import { PageMap } from '../replicated-state/page-map.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { makeCheckpoint, type Checkpoint } from '../state-manager/checkpoint.ts';
import { canisterWith, pages, stateWith } from '../state-manager/testing/filled-state.ts';
import type { HashHex } from '../types/ids.ts';
import type { ChunkDisk } from './stored-chunks.ts';
import { CHUNK_KEY, CheckpointStore, loadStoredNode, type StoredNode } from './stored-node.ts';

const PAGES_PER_CHUNK = 16;
const CHUNKS = 3;
const ID = canisterWith(1, PageMap.empty, 0).canisterId;

function heapOf(state: ReplicatedState): PageMap {
  const canister = present(state.canisters.get(ID), 'the canister is there');
  return present(canister.execution, 'it has a memory').heap;
}

function stateOf(height: number, heap: PageMap): ReplicatedState {
  return stateWith(height, [canisterWith(1, heap, CHUNKS)]);
}

function isSame(one: PageMap, other: PageMap): boolean {
  const [mine, theirs] = [[...one], [...other]];
  return (
    mine.length === theirs.length &&
    mine.every(({ index, bytes }, i) => {
      const page = theirs[i];
      return page?.index === index && equalBytes(page.bytes, bytes);
    })
  );
}

/** A disk that knows which chunks of memories were read. */
function createDisk() {
  const records = new Map<string, Uint8Array>();
  const damaged = new Set<HashHex>();
  const readChunks: HashHex[] = [];
  const journal = {
    isWriting: false,
    put: (key: string, value: Uint8Array) => void records.set(key, value.slice()),
    delete: (key: string) => void records.delete(key),
  };
  const load = (): StoredNode => {
    const entries = [...records];
    const isMemory = ([key, value]: readonly [string, Uint8Array]): boolean =>
      key.startsWith(CHUNK_KEY) && value.length === PAGES_PER_CHUNK * 4096;
    const disk: ChunkDisk = {
      sizes: new Map(
        entries
          .filter(isMemory)
          .map(([key, { length }]) => [key.slice(CHUNK_KEY.length) as HashHex, length]),
      ),
      read: (hash) => {
        readChunks.push(hash);
        return damaged.has(hash) ? undefined : records.get(CHUNK_KEY + hash);
      },
      lost: (hash) => {
        throw new RangeError(`lost ${hash}`);
      },
    };
    return loadStoredNode(
      entries.filter((entry) => !isMemory(entry)),
      true,
      disk,
    );
  };
  const save = (checkpoint: Checkpoint, stored: StoredNode = loadStoredNode([])) => {
    const store = new CheckpointStore(journal, stored);
    store.save(checkpoint);
    store.work();
    return store;
  };
  return { records, damaged, readChunks, load, save };
}

function restoredOf(stored: StoredNode) {
  expect(stored.faults).toEqual([]);
  return present(stored.restored, 'the checkpoint is whole');
}

describe('memories on the disk of a restarted node', () => {
  it('are not read by the start, nor by a checkpoint of what did not change', () => {
    const disk = createDisk();
    const heap = PageMap.from(pages(0, CHUNKS * PAGES_PER_CHUNK));
    const first = makeCheckpoint(stateOf(10, heap));
    disk.save(first);
    const { state, checkpoint } = restoredOf(disk.load());
    expect(checkpoint.hash).toBe(first.hash);
    const changed = heapOf(state).with(pages(20, 1, 500));
    const next = makeCheckpoint(stateOf(20, changed), checkpoint);
    const touched = present(
      checkpoint.manifest.chunks.find(({ offset }) => offset === 65_536),
      'the heap has a second chunk',
    );
    expect([...new Set(disk.readChunks)], 'only the chunk whose other pages stay').toEqual([
      touched.hash,
    ]);
    const expected = stateOf(20, heap.with(pages(20, 1, 500)));
    expect(next.hash).toBe(makeCheckpoint(expected).hash);
    expect(isSame(heapOf(state), heap)).toBe(true);
  });

  const writes = fc.array(
    fc.record({
      index: fc.integer({ min: 0, max: CHUNKS * PAGES_PER_CHUNK - 1 }),
      fill: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 20 },
  );
  const dirty = (list: readonly { readonly index: number; readonly fill: number }[]) =>
    list.map(({ index, fill }) => ({ index, bytes: new Uint8Array(4096).fill(fill) }));

  test.prop([writes, writes], { numRuns: 15 })(
    'make the same checkpoints as memories that were never stored, whatever is written or zeroed',
    (before, after) => {
      const disk = createDisk();
      const heap = PageMap.from(dirty(before));
      disk.save(makeCheckpoint(stateOf(10, heap)));
      const { state, checkpoint } = restoredOf(disk.load());
      const whole = heap.with(dirty(after));
      const lazy = heapOf(state).with(dirty(after));
      const expected = makeCheckpoint(stateOf(20, whole));
      expect(makeCheckpoint(stateOf(20, lazy), checkpoint).hash).toBe(expected.hash);
      expect(makeCheckpoint(stateOf(20, lazy)).hash).toBe(expected.hash);
      expect(isSame(lazy, whole)).toBe(true);
    },
  );

  it('stay whole for older states when their chunks leave the disk', () => {
    const disk = createDisk();
    const heap = PageMap.from(pages(0, CHUNKS * PAGES_PER_CHUNK));
    disk.save(makeCheckpoint(stateOf(10, heap)));
    const stored = disk.load();
    const { state, checkpoint } = restoredOf(stored);
    // Every page is replaced: no later checkpoint has or reads one of the old chunks.
    const all = pages(0, CHUNKS * PAGES_PER_CHUNK, 1_000);
    const store = disk.save(makeCheckpoint(stateOf(20, heapOf(state).with(all))), stored);
    store.save(makeCheckpoint(stateOf(30, heapOf(state).with(all))));
    store.work();
    const old = checkpoint.manifest.chunks.map(({ hash }) => hash);
    const isThere = old.filter((hash) => disk.records.has(CHUNK_KEY + hash));
    expect(isThere.length).toBeLessThan(old.length - CHUNKS + 1);
    expect(isSame(heapOf(state), heap)).toBe(true);
    expect(checkpoint.chunkAt(old.length - 1)).toBeDefined();
  });

  it('end the node when a page is needed whose chunk is damaged, and only then', () => {
    const disk = createDisk();
    const heap = PageMap.from(pages(0, CHUNKS * PAGES_PER_CHUNK));
    const { manifest, files } = makeCheckpoint(stateOf(10, heap));
    disk.save(makeCheckpoint(stateOf(10, heap)));
    const heapFile = [...files.keys()].findIndex((path) => path.endsWith('vmemory_0.bin'));
    const victim = present(
      manifest.chunks.find(({ fileIndex, offset }) => fileIndex === heapFile && offset > 65_536),
      'the heap has a third chunk',
    );
    disk.damaged.add(victim.hash);
    const { state } = restoredOf(disk.load());
    expect(heapOf(state).get(0)).toEqual(heap.get(0));
    expect(() => heapOf(state).get(victim.offset / 4096)).toThrow(`lost ${victim.hash}`);
    // Without the chunk the next start knows that the checkpoint is not whole.
    disk.records.delete(CHUNK_KEY + victim.hash);
    const again = disk.load();
    expect(again.restored).toBeUndefined();
    expect(again.faults).toEqual([`checkpoint/10: Chunk ${victim.hash} is missing.`]);
  });
});
