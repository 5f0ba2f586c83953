import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MIN_COMPLAINT_HEIGHTS } from '../limits/dkg.ts';
import type { DkgSummary } from '../types/artifacts.ts';
import type { DkgConfig } from '../types/dkg.ts';
import type { NodeId } from '../types/ids.ts';
import {
  dealingDueHeight,
  dealingsPerBlock,
  dealingsWanted,
  dealingWindow,
} from './dealing-rules.ts';

function summaryOf(nodes: number, intervalLength: number): DkgSummary {
  const dealers = Array.from(
    { length: nodes },
    (_, i) => i.toString(16).padStart(2, '0') as NodeId,
  );
  const f = Math.floor((nodes - 1) / 3);
  const config = (tag: 'low' | 'high', collectionThreshold: number): DkgConfig => ({
    id: { startHeight: 100, tag },
    dealers,
    receivers: dealers,
    threshold: collectionThreshold,
    collectionThreshold,
    registryVersion: 1,
    resharing: null,
  });
  return {
    height: 100,
    intervalLength,
    configs: [config('low', f + 1), config('high', nodes - f)],
  } as unknown as DkgSummary;
}

describe('rules of an interval', () => {
  it('CN92: one dealing a block on mainnet; more where they would not fit', () => {
    for (const [nodes, intervalLength, window, perBlock] of [
      [40, 499, 332, 1],
      [13, 499, 332, 1],
      [4, 99, 66, 1],
      [40, 99, 66, 3],
      [4, 19, 12, 2],
      [13, 19, 12, 4],
      [4, 9, 6, 3],
      [4, 7, 4, 4],
      [4, 6, 0, 0],
      [4, 1, 0, 0],
    ] as const) {
      expect(
        [dealingWindow(intervalLength), dealingsPerBlock(summaryOf(nodes, intervalLength))],
        `${nodes} nodes, ${intervalLength} data blocks`,
      ).toEqual([window, perBlock]);
    }
  });

  test.prop([fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 10_000 })])(
    'all wanted dealings fit the window, are made in its first half, and leave room for complaints',
    (nodes, intervalLength) => {
      const summary = summaryOf(nodes, intervalLength);
      const window = dealingWindow(intervalLength);
      if (window === 0) {
        return;
      }
      expect(intervalLength - window).toBeGreaterThanOrEqual(MIN_COMPLAINT_HEIGHTS);
      const wanted = summary.configs.reduce((sum, config) => sum + dealingsWanted(config), 0);
      expect(dealingsPerBlock(summary) * window).toBeGreaterThanOrEqual(wanted);
      let previous = summary.height;
      for (const config of summary.configs) {
        for (const dealer of config.dealers) {
          const due = dealingDueHeight(summary, config.id.tag, dealer);
          expect(due).toBeGreaterThanOrEqual(previous);
          expect(due).toBeLessThanOrEqual(summary.height + window / 2);
          previous = due;
        }
      }
    },
  );
});
