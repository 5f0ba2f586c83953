import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { PAGE_BYTES, type DirtyPage } from '../interfaces/wasm-host.ts';
import { LEAF_PAGES, PageMap } from './page-map.ts';

const page = (fill: number): Uint8Array => new Uint8Array(4096).fill(fill);

const writes = fc.array(
  fc.record({ index: fc.integer({ min: 0, max: 2000 }), fill: fc.integer({ min: 0, max: 2 }) }),
  { maxLength: 30 },
);

const group = fc.record({
  slots: fc.uniqueArray(fc.nat({ max: LEAF_PAGES - 1 }), { minLength: 1, maxLength: 16 }),
  fill: fc.nat({ max: 2 }),
});

/** Pages that are views of one buffer, each filled in its own way. */
function sharing(slots: readonly number[], fillOf: (position: number) => number): DirtyPage[] {
  const all = new Uint8Array(slots.length * PAGE_BYTES);
  return slots.map((index, i) => {
    const bytes = all.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES);
    return { index, bytes: bytes.fill(fillOf(i)) };
  });
}

/** Pages' worth of bytes that live as long as the map. */
function heldPages(map: PageMap): number {
  const buffers = new Set([...map].map(({ bytes }) => bytes.buffer));
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0) / PAGE_BYTES;
}

describe('PageMap', () => {
  it('keeps the old map when a new one is made from it', () => {
    const old = PageMap.from([{ index: 300, bytes: page(1) }]);
    const next = old.with([{ index: 300, bytes: page(0) }]);
    expect(old.get(300)?.[0]).toBe(1);
    expect([...old]).toHaveLength(1);
    expect(next.get(300)).toBeUndefined();
    expect([...next]).toEqual([]);
  });

  test.prop([fc.array(writes, { maxLength: 6 })])('equals a plain map', (batches) => {
    const model = new Map<number, number>();
    let map = PageMap.empty;
    for (const batch of batches) {
      const before = map;
      const beforeEntries = [...before].map(({ index }) => index);
      map = map.with(batch.map(({ index, fill }) => ({ index, bytes: page(fill) })));
      for (const { index, fill } of batch) {
        model.set(index, fill);
      }
      expect([...before].map(({ index }) => index)).toEqual(beforeEntries);
      const changed = new Set(before.changedIndices(map));
      for (const { index } of batch) {
        expect(changed.has(index)).toBe(before.get(index) !== map.get(index));
      }
    }
    const expected = [...model].filter(([, fill]) => fill !== 0).sort(([a], [b]) => a - b);
    expect([...map].map(({ index, bytes }) => [index, bytes[4095]])).toEqual(expected);
  });

  test.prop([fc.array(group, { maxLength: 120 })], { numRuns: 15 })(
    'never holds more than three times its leaves in shared buffers, and loses no page to that',
    (groups) => {
      const model = new Map<number, number>();
      let map = PageMap.empty;
      for (const { slots, fill } of groups) {
        map = map.with(sharing(slots, (i) => (fill + i) % 3));
        slots.forEach((slot, i) => model.set(slot, (fill + i) % 3));
        expect(heldPages(map)).toBeLessThanOrEqual(3 * LEAF_PAGES);
      }
      const expected = [...model].filter(([, fill]) => fill !== 0).sort(([a], [b]) => a - b);
      expect([...map].map(({ index, bytes }) => [index, bytes[4095]])).toEqual(expected);
    },
  );

  it('lets go of buffers of which one page each is left', () => {
    let map = PageMap.empty;
    for (let first = 0; first < LEAF_PAGES; first += 16) {
      const slots = Array.from({ length: 16 }, (_, i) => first + i);
      map = map.with(sharing(slots, () => 1));
    }
    const spared = map.get(0);
    const others = Array.from({ length: LEAF_PAGES }, (_, slot) => slot).filter(
      (s) => s % 16 !== 0,
    );
    for (let turn = 0; turn < 4; turn += 1) {
      map = map.with(others.map((index) => ({ index, bytes: page(2) })));
    }
    expect(map.get(0)).toEqual(spared);
    expect(heldPages(map)).toBe(LEAF_PAGES);
  });

  it('counts pages of zeros among those that hold a buffer for nothing', () => {
    let map = PageMap.empty;
    for (let slot = 0; slot < LEAF_PAGES; slot += 1) {
      const slots = Array.from({ length: 16 }, (_, i) => slot + i).filter((s) => s < LEAF_PAGES);
      map = map.with(sharing(slots, (i) => (i === 0 ? 1 : 0)));
      expect(heldPages(map)).toBeLessThanOrEqual(3 * LEAF_PAGES);
    }
    expect([...map]).toHaveLength(LEAF_PAGES);
  });

  it('tells pages of zeros from pages with one byte anywhere', () => {
    for (const at of [0, 15, 16, 17, 2048, 4094, 4095]) {
      const backing = new Uint8Array(2 * PAGE_BYTES + 1);
      const odd = backing.subarray(1 + PAGE_BYTES);
      backing[0] = 1;
      expect([...PageMap.from([{ index: 0, bytes: odd }])]).toHaveLength(0);
      odd[at] = 255;
      expect([...PageMap.from([{ index: 0, bytes: odd }])]).toHaveLength(1);
      const even = new Uint8Array(PAGE_BYTES);
      even[at] = 128;
      expect([...PageMap.from([{ index: 0, bytes: even }])]).toHaveLength(1);
    }
  });
});
