import { describe, expect, it } from 'vitest';
import { asMap, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { PageMap } from '../replicated-state/page-map.ts';
import { makeCheckpoint } from '../state-manager/checkpoint.ts';
import { canisterWith, pages, stateWith } from '../state-manager/testing/filled-state.ts';
import type { ArtifactId } from '../types/artifacts.ts';
import type { HashHex } from '../types/ids.ts';
import { artifactStorageKey, CheckpointStore, loadStoredNode } from './stored-node.ts';

function store() {
  const journal = {
    isWriting: true,
    stored: new Set<string>(),
    deleted: new Set<string>(),
    put: (key: string) => void journal.stored.add(key),
    delete: (key: string) => void journal.deleted.add(key),
  };
  const checkpoints = new CheckpointStore(journal, loadStoredNode([]));
  return { journal, checkpoints };
}

const idAt = (kind: ArtifactId['kind'], height: number): ArtifactId => ({
  kind,
  height,
  hash: 'ab'.repeat(32) as HashHex,
});
const BLOCK = idAt('blockProposal', 30);

/** A disk that takes everything at once, and what the next life of the node reads of it. */
function diskOf(before: readonly (readonly [string, Uint8Array])[] = []) {
  const disk = new Map<string, Uint8Array>(before);
  const written: string[] = [];
  const journal = {
    isWriting: false,
    put: (key: string, value: Uint8Array) => {
      written.push(key);
      disk.set(key, value);
    },
    delete: (key: string) => void disk.delete(key),
  };
  const checkpoints = new CheckpointStore(journal, loadStoredNode([...disk]));
  const save = (height: number, salt: number, isFetched = false): void => {
    const heap = PageMap.empty.with([...pages(0, 40), ...pages(600, 8, salt)]);
    const checkpoint = makeCheckpoint(stateWith(height, [canisterWith(1, heap, 80)]));
    if (isFetched) {
      checkpoints.replace(checkpoint);
    } else {
      checkpoints.save(checkpoint);
    }
    checkpoints.work();
  };
  const keys = (prefix: string) => [...disk.keys()].filter((key) => key.startsWith(prefix));
  return { disk, written, journal, checkpoints, save, keys, load: () => loadStoredNode([...disk]) };
}

describe('checkpoints on the disk', () => {
  it('are the newest two and what the catch-up package needs; chunks are there once, and go with the last', () => {
    const { checkpoints, save, keys, load } = diskOf();
    save(100, 1000);
    const chunksOfOne = keys('chunk/').length;
    save(200, 2000);
    const chunksOfTwo = keys('chunk/').length;
    expect(chunksOfTwo).toBeLessThan(2 * chunksOfOne);
    checkpoints.needFrom(200);
    save(300, 3000);
    save(400, 4000);
    expect(keys('checkpoint/')).toEqual(['checkpoint/200', 'checkpoint/300', 'checkpoint/400']);
    checkpoints.needFrom(400);
    save(500, 5000);
    expect(keys('checkpoint/')).toEqual(['checkpoint/400', 'checkpoint/500']);
    expect(keys('chunk/')).toHaveLength(chunksOfTwo);
    expect(load().restored?.state.height).toBe(500);
    expect(load().faults).toEqual([]);
  });

  it('end with one that was fetched, and all of them with a start from the genesis', () => {
    const { disk, checkpoints, save, keys, load } = diskOf();
    save(100, 1000);
    save(200, 2000);
    save(50, 3000, true);
    expect(keys('checkpoint/')).toEqual(['checkpoint/50']);
    expect(load().restored?.state.height).toBe(50);
    const stored = decodeCbor(disk.get('checkpoint/50') as Uint8Array);
    const fields = new Map((stored.ok && asMap(stored.value)) || []).set('height', 51);
    const moved = encodeCbor(Object.fromEntries(fields) as never);
    const misplaced = loadStoredNode([...new Map(disk).set('checkpoint/50', moved)]);
    expect([misplaced.restored?.state.height, misplaced.faults]).toEqual([
      undefined,
      ['checkpoint/51: it is of another height'],
    ]);
    checkpoints.clear();
    expect([keys('checkpoint/'), keys('chunk/')]).toEqual([[], []]);
    checkpoints.forget(idAt('randomBeacon', 10), 100);
    save(60, 1000);
    expect(load().restored?.state.height).toBe(60);
  });

  it('count once all of their chunks are there, handed over between the writes of the node', () => {
    const { checkpoints, journal, keys, load } = diskOf();
    // More than one step hands over.
    const heap = PageMap.empty.with(pages(0, 700));
    checkpoints.save(makeCheckpoint(stateWith(100, [canisterWith(1, heap, 80)])));
    journal.isWriting = true;
    checkpoints.work();
    expect(keys('')).toEqual([]);
    journal.isWriting = false;
    checkpoints.work();
    expect(keys('chunk/').length).toBeGreaterThan(0);
    expect(keys('checkpoint/')).toEqual([]);
    expect(load().restored).toBeUndefined();
    checkpoints.work();
    expect(load().restored?.state.height).toBe(100);
  });

  it('that are damaged are named, and the one before is gone on from', () => {
    const { disk, save, keys, load } = diskOf();
    save(100, 1000);
    const older = new Set(keys('chunk/'));
    save(200, 2000);
    const [own] = keys('chunk/').filter((key) => !older.has(key));
    const name = own as string;
    disk.set(
      name,
      (disk.get(name) as Uint8Array).map((byte) => byte ^ 1),
    );
    const { restored, faults, strays } = load();
    expect(restored?.state.height).toBe(100);
    expect(faults).toEqual([expect.stringContaining('checkpoint/200')]);
    expect(new Set(strays)).toEqual(
      new Set([...keys('chunk/').filter((key) => !older.has(key)), 'checkpoint/200']),
    );
    const again = diskOf([...disk]);
    expect(again.keys('checkpoint/')).toEqual(['checkpoint/100']);
    expect(new Set(again.keys('chunk/'))).toEqual(older);
    // What the older one has is not written again, and stays.
    again.save(300, 1000);
    expect(again.written.filter((key) => older.has(key))).toEqual([]);
    expect(again.load().restored?.state.height).toBe(300);
  });

  it('stand under their own height, and registry versions without a gap', () => {
    const { disk, save, load } = diskOf();
    save(100, 1000);
    disk.set('checkpoint/7', Uint8Array.of(1));
    for (const version of [1, 2, 4]) {
      disk.set(`registry/${version}`, Uint8Array.of(version));
    }
    disk.set(artifactStorageKey(BLOCK), Uint8Array.of(1, 2));
    const { restored, registry, faults } = load();
    expect(restored?.state.height).toBe(100);
    expect(registry).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
    expect(faults).toEqual(['checkpoint/7 is damaged', `${artifactStorageKey(BLOCK)} is damaged`]);
  });
});

describe('what consensus no longer needs', () => {
  it('stays on the disk while only it leads from the stored checkpoint to the package', () => {
    const { journal, checkpoints } = store();
    checkpoints.save(makeCheckpoint(stateWith(100, [])));
    checkpoints.work();
    const share = idAt('notarizationShare', 30);
    for (const id of [BLOCK, idAt('randomTape', 30), idAt('randomBeacon', 30), share]) {
      checkpoints.forget(id, 100);
    }
    expect([...journal.deleted], 'no replay needs a share').toEqual([artifactStorageKey(share)]);
    journal.isWriting = false;
    checkpoints.work();
    expect(journal.stored.has('checkpoint/100')).toBe(true);
    expect(journal.deleted.has(artifactStorageKey(BLOCK))).toBe(true);
    expect(journal.deleted.has(artifactStorageKey(idAt('randomTape', 30)))).toBe(true);
  });

  it('goes at once above the package, and below the stored checkpoint', () => {
    const { journal, checkpoints } = store();
    checkpoints.forget(idAt('blockProposal', 101), 100);
    journal.isWriting = false;
    checkpoints.save(makeCheckpoint(stateWith(50, [])));
    checkpoints.work();
    checkpoints.forget(BLOCK, 100);
    expect([...journal.deleted]).toEqual([
      artifactStorageKey(idAt('blockProposal', 101)),
      artifactStorageKey(BLOCK),
    ]);
  });
});
