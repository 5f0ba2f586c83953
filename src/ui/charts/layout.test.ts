import { describe, expect, it } from 'vitest';
import type { HeightView } from '../../wire/projection.ts';
import { ringLayout } from './ring-layout.ts';
import { COLUMN_WIDTH, treeLayout } from './tree-layout.ts';

describe('ringLayout', () => {
  it.each([1, 4, 7, 13, 40])('keeps %i nodes inside the box and apart', (count) => {
    const { positions, nodeRadius } = ringLayout(count, 860, 420);
    expect(positions).toHaveLength(count);
    for (const [index, { x, y }] of positions.entries()) {
      expect(x - nodeRadius, `node ${index} left`).toBeGreaterThanOrEqual(0);
      expect(x + nodeRadius, `node ${index} right`).toBeLessThanOrEqual(860);
      expect(y - nodeRadius, `node ${index} top`).toBeGreaterThanOrEqual(0);
      expect(y + nodeRadius, `node ${index} bottom`).toBeLessThanOrEqual(420);
      for (const other of positions.slice(index + 1)) {
        expect(Math.hypot(x - other.x, y - other.y)).toBeGreaterThan(2 * nodeRadius);
      }
    }
  });

  it.each([
    [4, 860, 420, 'full'],
    [13, 860, 480, 'full'],
    [4, 366, 380, 'full'],
    [13, 366, 380, 'height'],
    [40, 366, 380, 'none'],
  ])('gives %i nodes in %i × %i the labels that fit: %s', (count, width, height, labels) => {
    expect(ringLayout(count, width, height).labels).toBe(labels);
  });
});

function heightView(height: number, hashes: readonly [string, string][]): HeightView {
  const blocks = hashes.map(([hash, parent], rank) => ({ facts: { hash, parent, rank, height } }));
  return { height, certified: true, blocks } as unknown as HeightView;
}

describe('treeLayout', () => {
  const heights = Array.from({ length: 50 }, (_, index) =>
    heightView(index + 1, [
      [`a${index + 1}`, `a${index}`],
      ...(index === 40 ? ([[`b${index + 1}`, `a${index}`]] as [string, string][]) : []),
    ]),
  );

  it('shows the newest thirty heights in columns and links children to their parents', () => {
    const layout = treeLayout(heights, 1000, 9);
    expect(layout.columns.map((column) => column.height)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 21),
    );
    // The oldest shown block has no shown parent; the fork at height 41 adds one block and one edge.
    expect([layout.blocks.length, layout.edges.length]).toEqual([31, 30]);
    const fork = layout.blocks.filter((placed) => placed.block.facts.height === 41);
    expect(fork.map((placed) => placed.x)).toEqual([fork[0]?.x, fork[0]?.x]);
    expect(fork[0]?.y).toBeLessThan(fork[1]?.y ?? 0);
  });

  it('marks the key intervals, each from its summary block on', () => {
    const { bands, columns } = treeLayout(heights, 1000, 19);
    // Heights 21 to 50, and summary blocks at the multiples of 20.
    expect(bands.map(({ index, first, width }) => [index, first, width])).toEqual([
      [1, 20, 19 * COLUMN_WIDTH],
      [2, 40, 11 * COLUMN_WIDTH],
    ]);
    expect(bands[1]?.x).toBe((columns[19]?.x ?? 0) - COLUMN_WIDTH / 2);
    expect(treeLayout([], 1000, 19).bands).toEqual([]);
    expect(treeLayout(heights, 1000, 0).bands).toEqual([]);
  });

  it('drops old columns on a narrow screen instead of squeezing them', () => {
    const layout = treeLayout(heights, 360, 9);
    expect(layout.columns).toHaveLength(12);
    expect(Math.min(...layout.columns.map((column) => column.x))).toBeGreaterThan(0);
  });
});
