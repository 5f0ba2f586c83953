import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { PageMap } from './page-map.ts';

const page = (fill: number): Uint8Array => new Uint8Array(4096).fill(fill);

const writes = fc.array(
  fc.record({ index: fc.integer({ min: 0, max: 2000 }), fill: fc.integer({ min: 0, max: 2 }) }),
  { maxLength: 30 },
);

describe('PageMap', () => {
  it('keeps the old map when a new one is made from it', () => {
    const old = PageMap.from([{ index: 300, bytes: page(1) }]);
    const next = old.with([{ index: 300, bytes: page(0) }]);
    expect(old.get(300)?.[0]).toBe(1);
    expect(old.size).toBe(1);
    expect(next.get(300)).toBeUndefined();
    expect(next.size).toBe(0);
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
    expect(map.size).toBe(expected.length);
  });
});
