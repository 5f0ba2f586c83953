import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { PAGE_BYTES } from '../protocol/interfaces/wasm-host.ts';
import { LEAF_PAGES, PageMap } from '../protocol/replicated-state/page-map.ts';
import { copyPages } from './copy-pages.ts';
import { StableMemory } from './stable-memory.ts';

const PAGES = 2 * LEAF_PAGES;
const BASE = 192;
const MOST_PAGES_PER_BUFFER = 16;

/** Ascending; runs as well as single pages. */
const indices = fc
  .array(fc.tuple(fc.nat({ max: PAGES - 1 }), fc.integer({ min: 1, max: 40 })), { maxLength: 8 })
  .map((runs) => {
    const all = runs.flatMap(([first, count]) =>
      Array.from({ length: count }, (_, i) => first + i),
    );
    return [...new Set(all)].filter((index) => index < PAGES).sort((a, b) => a - b);
  });

function pageOf(index: number): Uint8Array {
  return new Uint8Array(PAGE_BYTES).fill((index % 251) + 1);
}

function filled(): Uint8Array<ArrayBuffer> {
  const source = new Uint8Array(BASE + PAGES * PAGE_BYTES);
  for (let index = 0; index < PAGES; index += 1) {
    source.set(pageOf(index), BASE + index * PAGE_BYTES);
  }
  return source;
}

describe('copies of pages', () => {
  const source = filled();

  test.prop([indices], { numRuns: 25 })('hold what the pages held, for good', (wanted) => {
    const copies = copyPages(source.buffer, BASE, wanted);
    source.fill(0);
    expect(copies.map(({ index }) => index)).toEqual(wanted);
    for (const { index, bytes } of copies) {
      expect(bytes.length).toBe(PAGE_BYTES);
      expect(Buffer.compare(bytes, pageOf(index))).toBe(0);
    }
    source.set(filled());
  });

  test.prop([indices], { numRuns: 25 })(
    'share buffers that have room for nothing else',
    (wanted) => {
      const places = new Map<ArrayBufferLike, { leaf: number; offsets: Set<number> }>();
      for (const { index, bytes } of copyPages(source.buffer, BASE, wanted)) {
        const leaf = Math.floor(index / LEAF_PAGES);
        const place = places.get(bytes.buffer) ?? { leaf, offsets: new Set() };
        expect(place.leaf).toBe(leaf);
        place.offsets.add(bytes.byteOffset);
        places.set(bytes.buffer, place);
      }
      for (const [buffer, { offsets }] of places) {
        expect(offsets.size * PAGE_BYTES).toBe(buffer.byteLength);
        expect(offsets.size).toBeLessThanOrEqual(MOST_PAGES_PER_BUFFER);
      }
    },
  );
});

const STABLE_PAGES = 64;
const aWrite = fc.record({
  offset: fc.nat({ max: STABLE_PAGES * PAGE_BYTES - 1 }),
  length: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 40 * PAGE_BYTES })),
  fill: fc.integer({ min: 1, max: 255 }),
});

describe('stable memory of a run', () => {
  test.prop([fc.array(fc.array(aWrite, { maxLength: 6 }), { maxLength: 4 })], { numRuns: 25 })(
    'equals a plain memory, run after run, and leaves earlier versions alone',
    (runs) => {
      const model = new Uint8Array(STABLE_PAGES * PAGE_BYTES);
      const versions: (readonly [PageMap, Uint8Array])[] = [];
      let committed = PageMap.empty;
      for (const writes of runs) {
        const run = new StableMemory(committed, STABLE_PAGES / 16);
        const written = new Set<number>();
        for (const { offset, length, fill } of writes) {
          const size = Math.min(length, model.length - offset);
          const before = written.size;
          for (let at = offset; at < offset + size; at += 1) {
            written.add(Math.floor(at / PAGE_BYTES));
          }
          model.fill(fill, offset, offset + size);
          const taken = run.write(offset, new Uint8Array(size).fill(fill), 0, size);
          expect(taken).toBe(written.size - before);
        }
        const dirty = run.takeDirty();
        expect(dirty.map(({ index }) => index)).toEqual([...written].sort((a, b) => a - b));
        committed = committed.with(dirty);
        versions.push([committed, model.slice()]);
      }
      for (const [version, bytes] of versions) {
        expect(Buffer.compare(version.read(0, bytes.length), bytes)).toBe(0);
      }
    },
  );
});
