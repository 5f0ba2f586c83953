import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { assert, present } from '../../base/assert.ts';
import { EMPTY_MAP } from '../crypto/labeled-tree.ts';
import {
  CHUNK_BYTES,
  FILE_GROUP_BYTES,
  HASHED_BYTES_PER_STEP,
  MAX_REHASHED_CHUNKS,
} from '../limits/state-sync.ts';
import { PageMap } from '../replicated-state/page-map.ts';
import type { HashHex, SubnetId } from '../types/ids.ts';
import { CheckpointBuilder, makeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { ChunkIndex, fileGroups, FIRST_FILE_CHUNK, FIRST_GROUP_CHUNK } from './chunk-ids.ts';
import { encodeManifest } from './manifest-codec.ts';
import { chunkHash, fileHash, metaManifestOf, rootHash } from './manifest.ts';
import { chooseForRehash } from './rehash.ts';
import { restoreCheckpoint } from './restore-checkpoint.ts';
import { createStateManager } from './state-manager.ts';
import { canisterWith, pageOf, pages, stateWith } from './testing/filled-state.ts';

const PAGES_PER_CHUNK = CHUNK_BYTES / 4096;
const HEAP = PageMap.from(pages(0, 1024));
const SIXTY_FOUR = 64;

function sizes(checkpoint: Checkpoint): Readonly<Record<string, number>> {
  return Object.fromEntries(checkpoint.manifest.files.map(({ path, size }) => [path, size]));
}

/** Restores with these chunks, or from the checkpoint itself. */
function restore(from: Checkpoint, chunk = (hash: HashHex) => from.chunk(hash)) {
  return restoreCheckpoint(from.hash, from.encodedManifest, { chunk, isVerified: false });
}

describe('a checkpoint', () => {
  it('has the files of the IC; chunks of zeros are holes', () => {
    const heap = PageMap.from([...pages(0, 1), ...pages(3 * PAGES_PER_CHUNK, 2)]);
    const checkpoint = makeCheckpoint(stateWith(9, [canisterWith(1, heap, SIXTY_FOUR)]));
    const folder = 'canister_states/00000000000000010101';
    expect(Object.keys(sizes(checkpoint))).toEqual([
      `${folder}/canister.cbor`,
      `${folder}/software.wasm`,
      `${folder}/stable_memory.bin`,
      `${folder}/vmemory_0.bin`,
      'ingress_history.cbor',
      'subnet_queues.cbor',
      'system_metadata.cbor',
    ]);
    expect(sizes(checkpoint)[`${folder}/vmemory_0.bin`]).toBe(SIXTY_FOUR * 65_536);
    const offsets = checkpoint.manifest.chunks
      .filter(({ fileIndex }) => fileIndex === 3)
      .map(({ offset }) => offset);
    expect(offsets).toEqual([0, 3 * CHUNK_BYTES]);
    checkpoint.manifest.chunks.forEach(({ hash, size }, index) => {
      const bytes = present(checkpoint.chunkAt(index), 'a chunk of the table');
      expect([bytes.length, chunkHash(bytes)]).toEqual([size, hash]);
    });
  });

  test.prop(
    [
      fc.array(fc.array(fc.tuple(fc.nat(200), fc.nat(3)), { maxLength: 5 }), {
        minLength: 1,
        maxLength: 6,
      }),
    ],
    { numRuns: 30 },
  )('SS4: made from the one before is that made from nothing', (rounds) => {
    const other = canisterWith(2, PageMap.from(pages(3, 5)), 1);
    let heap = PageMap.empty;
    let before: Checkpoint | undefined;
    const records = new WeakMap();
    rounds.forEach((changes, height) => {
      heap = heap.with(
        changes.map(([index, seed]) => ({
          index,
          bytes: seed === 0 ? new Uint8Array(4096) : pageOf(seed),
        })),
      );
      const state = stateWith(height, [canisterWith(1, heap, 13), other]);
      before = makeCheckpoint(state, before, records);
      expect(before.hash).toBe(makeCheckpoint(state).hash);
    });
  });

  it('SS4: hashes only what changed: one chunk for one page, no file that stayed the same', () => {
    const [big, small] = [canisterWith(1, HEAP, SIXTY_FOUR), canisterWith(2, HEAP, SIXTY_FOUR)];
    const records = new WeakMap();
    const before = makeCheckpoint(stateWith(1, [big, small]), undefined, records);
    const changed = canisterWith(1, HEAP.with([{ index: 5, bytes: pageOf(9) }]), SIXTY_FOUR);
    const builder = new CheckpointBuilder(stateWith(2, [changed, small]), before, records);
    // A chunk, and the records, which are small.
    const after = builder.work(CHUNK_BYTES + 4096);
    assert(after !== undefined, 'that much is enough');
    const chunks = 2 * (1024 / PAGES_PER_CHUNK);
    expect(builder.reused.filter(({ path }) => path.endsWith('bin'))).toHaveLength(chunks - 1);
    expect(after.hash).toBe(makeCheckpoint(stateWith(2, [changed, small])).hash);
  });

  it('SS5: of a large state is hashed over several steps, and comes out the same', () => {
    const state = stateWith(1, [canisterWith(1, HEAP, SIXTY_FOUR)]);
    const builder = new CheckpointBuilder(state, undefined, new WeakMap());
    let steps = 1;
    let checkpoint = builder.work(HASHED_BYTES_PER_STEP);
    for (; checkpoint === undefined; checkpoint = builder.work(HASHED_BYTES_PER_STEP)) {
      steps += 1;
    }
    expect(steps).toBe(5);
    expect(checkpoint.hash).toBe(makeCheckpoint(state).hash);
  });

  it('SS3: is refused when a file is missing, superfluous, or not what its canister says', () => {
    const good = makeCheckpoint(stateWith(9, [canisterWith(1, HEAP, SIXTY_FOUR)]));
    expect(restore(good).ok).toBe(true);
    const { manifest } = good;
    const edited = (edit: (path: string) => string | undefined, size?: number) => {
      const kept = manifest.files.flatMap((file, index) => {
        const path = edit(file.path);
        return path === undefined ? [] : [{ file: { ...file, path }, index }];
      });
      const files = kept.map(({ file, index }) => {
        const chunks = manifest.chunks.filter(({ fileIndex }) => fileIndex === index);
        return {
          ...file,
          size: file.path.endsWith('0.bin') ? (size ?? file.size) : file.size,
          hash: fileHash(chunks),
        };
      });
      const chunks = kept.flatMap(({ index }, fileIndex) =>
        manifest.chunks
          .filter((chunk) => chunk.fileIndex === index)
          .map((chunk) => ({ ...chunk, fileIndex })),
      );
      const encoded = encodeManifest({ ...manifest, files, chunks });
      const result = restoreCheckpoint(rootHash(metaManifestOf(encoded)), encoded, {
        chunk: (hash) => good.chunk(hash),
        isVerified: false,
      });
      return result.ok ? 'ok' : result.error.message;
    };
    expect(edited((path) => path)).toBe('ok');
    for (const { path } of manifest.files) {
      expect(edited((other) => (other === path ? undefined : other))).toMatch(/missing|belongs/);
    }
    expect(edited((path) => path.replace('0.bin', '1.bin'))).toMatch('vmemory_0.bin is missing');
    expect(edited((path) => path.replace('system', 'tystem'))).toMatch('is missing');
    expect(edited((path) => path, 65 * 65_536)).toMatch('size');
  });

  it('gives and groups its chunks by their numbers', () => {
    const canisters = Array.from({ length: 4000 }, (_, i) => canisterWith(i, PageMap.empty, 0));
    const checkpoint = makeCheckpoint(stateWith(1, [...canisters, canisterWith(5000, HEAP, 64)]));
    const groups = fileGroups(checkpoint.manifest);
    const { chunks } = checkpoint.manifest;
    expect(groups.flat()).toHaveLength(4001);
    expect(groups.length).toBeGreaterThan(1);
    const index = new ChunkIndex(checkpoint);
    groups.forEach((group, number) => {
      const bytes = group.reduce((sum, entry) => sum + (chunks[entry]?.size ?? 0), 0);
      expect(bytes).toBeLessThanOrEqual(FILE_GROUP_BYTES);
      expect(index.bytesOf(FIRST_GROUP_CHUNK + number)).toHaveLength(bytes);
    });
    expect(index.bytesOf(FIRST_FILE_CHUNK + 7)).toEqual(checkpoint.chunkAt(7));
    expect(index.bytesOf(FIRST_FILE_CHUNK + chunks.length)).toBeUndefined();
    expect(index.bytesOf(-1)).toBeUndefined();
    expect(index.bytesOf(1.5)).toBeUndefined();
  });
});

describe('the state manager', () => {
  const topology = {
    subnetId: '0102' as SubnetId,
    subnet: EMPTY_MAP,
    subnets: EMPTY_MAP,
    canisterRanges: EMPTY_MAP,
  };

  it('SS5: goes on while it hashes a large state, and tells when the checkpoint is there', () => {
    const manager = createStateManager(() => topology, stateWith(0, []));
    const large = [canisterWith(1, HEAP, SIXTY_FOUR)];
    manager.commit(stateWith(1, large), true);
    expect([manager.hasWork(), manager.checkpointHashAt(1)]).toEqual([true, undefined]);
    manager.commit(stateWith(2, large), false);
    manager.commit(stateWith(3, large), true);
    const finished: number[] = [];
    while (manager.hasWork()) {
      manager.work();
      finished.push(...manager.takeFinished().map(({ height }) => height));
    }
    expect(finished).toEqual([1, 3]);
    const state = present(manager.stateAt(1), 'it is kept');
    expect(manager.checkpointHashAt(1)).toBe(makeCheckpoint(state).hash);
    expect(manager.checkpoints().map(({ height }) => height)).toEqual([1, 3]);
  });

  it('SS6: finds a page that was written to behind its back, within ten checkpoints', () => {
    const manager = createStateManager(() => topology, stateWith(0, []));
    const heap = PageMap.from(pages(0, 1024));
    const faults: string[] = [];
    const run = (from: number): void => {
      for (let height = from; height < from + 12; height += 1) {
        manager.commit(stateWith(height, [canisterWith(1, heap, SIXTY_FOUR)]), true);
        for (let step = 0; step <= MAX_REHASHED_CHUNKS; step += 1) {
          manager.work();
        }
        faults.push(...manager.takeFaults());
      }
    };
    run(1);
    expect(faults).toEqual([]);
    (heap.get(500) as Uint8Array)[77] = 1;
    run(13);
    expect([...new Set(faults)]).toEqual([
      `canister_states/00000000000000010101/vmemory_0.bin at ${Math.floor(500 / PAGES_PER_CHUNK) * CHUNK_BYTES}`,
    ]);
    // Now its checkpoint says what it has, so that the subnet's contradicts it.
    expect(manager.latestCheckpoint()?.hash).toBe(makeCheckpoint(manager.latestState()).hash);
  });

  it('SS6: hashes one unchanged chunk in ten again, a bounded number at a time, all in their turn', () => {
    const reused = Array.from({ length: 25 }, (_, i) => i) as never[];
    const seen: number[] = [];
    let from = 0;
    for (let i = 0; i < 9; i += 1) {
      const chosen = chooseForRehash(reused, from, 16);
      expect(chosen.due).toHaveLength(3);
      seen.push(...(chosen.due as unknown as number[]));
      from = chosen.from;
    }
    expect(new Set(seen).size).toBe(25);
    expect(chooseForRehash(Array.from({ length: 9999 }) as never[], 0, 16).from).toBe(16);
    expect(chooseForRehash([], 5, 16)).toEqual({ due: [], from: 0 });
  });
});
