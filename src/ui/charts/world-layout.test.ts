import { describe, expect, it } from 'vitest';
import {
  labelPlaces,
  laneBetween,
  onLane,
  WORLD_FOOT,
  WORLD_HEAD,
  worldHeight,
  worldLayout,
} from './world-layout.ts';

const WIDTHS = [326, 366, 600, 816, 1500];
const CASES = WIDTHS.flatMap((width) =>
  [1, 2, 3, 4, 5, 6, 7, 8].map((count) => [count, width] as const),
);

describe('rings side by side', () => {
  it.each(CASES)('%i in %i pixels stay in the box and apart from each other', (count, width) => {
    const height = worldHeight(count, width);
    const { centres, radius } = worldLayout(count, width, height);
    expect(centres).toHaveLength(count);
    for (const [index, { x, y }] of centres.entries()) {
      expect(x - radius).toBeGreaterThanOrEqual(0);
      expect(x + radius).toBeLessThanOrEqual(width);
      expect(y - radius - WORLD_HEAD).toBeGreaterThanOrEqual(0);
      expect(y + radius + WORLD_FOOT).toBeLessThanOrEqual(height);
      for (const other of centres.slice(index + 1)) {
        const besides = Math.abs(x - other.x) - 2 * radius;
        const below = Math.abs(y - other.y) - 2 * radius - WORLD_HEAD - WORLD_FOOT;
        expect(Math.max(besides, below)).toBeGreaterThanOrEqual(4);
      }
    }
  });

  it.each(CASES.filter(([count]) => count > 2 && count <= 6))(
    '%i in %i pixels leave the way free between any two',
    (count, width) => {
      const { centres, radius } = worldLayout(count, width, worldHeight(count, width));
      for (const [a, from] of centres.entries()) {
        for (const [b, to] of centres.entries()) {
          const lane = laneBetween(from, to, radius);
          for (const [c, third] of centres.entries()) {
            for (let share = 0; a !== b && c !== a && c !== b && share <= 1; share += 0.05) {
              const { x, y } = onLane(lane, share);
              expect(Math.hypot(x - third.x, y - third.y)).toBeGreaterThan(radius * 0.9);
            }
          }
        }
      }
    },
  );

  it.each(CASES.filter(([count]) => count === 2 || count === 3))(
    'labels of %i in %i pixels cover no name, no ring and no other label',
    (count, width) => {
      const layout = worldLayout(count, width, worldHeight(count, width));
      const { centres, radius } = layout;
      const lanes = centres.flatMap((from, a) =>
        centres.flatMap((to, b) => (a === b ? [] : [laneBetween(from, to, radius)])),
      );
      const places = labelPlaces(lanes, layout, width);
      for (const [index, { at, isWide }] of places.entries()) {
        const half = isWide ? 66 : 26;
        for (const other of places.slice(index + 1)) {
          const besides = Math.abs(at.x - other.at.x) - 2 * half;
          expect(Math.max(besides, Math.abs(at.y - other.at.y) - 24)).toBeGreaterThanOrEqual(0);
        }
        for (const { x, y } of centres) {
          expect(Math.hypot(at.x - x, at.y - y)).toBeGreaterThan(radius);
          const isBesideName = Math.abs(at.x - x) > half + 30;
          expect(isBesideName || at.y < y - radius - WORLD_HEAD || at.y > y).toBe(true);
        }
      }
    },
  );
});
