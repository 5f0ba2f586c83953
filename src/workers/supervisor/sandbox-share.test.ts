import { describe, expect, it } from 'vitest';
import { defaultNetworkSpec, type NetworkSpec } from '../../wire/network-spec.ts';
import { shareOfSandboxes } from './sandbox-share.ts';

const specOf = (nodes: number, sandboxWorkers: NetworkSpec['sandboxWorkers']): NetworkSpec => ({
  ...defaultNetworkSpec({ nodes }),
  sandboxWorkers,
});

describe('shareOfSandboxes', () => {
  it.each([
    [1, null, 2, { workers: 2, memoriesPerWorker: 28 }],
    [1, null, 8, { workers: 4, memoriesPerWorker: 14 }],
    [4, null, 4, { workers: 1, memoriesPerWorker: 14 }],
    [4, null, 8, { workers: 2, memoriesPerWorker: 7 }],
    [4, null, 16, { workers: 4, memoriesPerWorker: 3 }],
    [4, 4, 2, { workers: 4, memoriesPerWorker: 3 }],
    [13, 4, 64, { workers: 2, memoriesPerWorker: 2 }],
    [28, 4, 64, { workers: 1, memoriesPerWorker: 2 }],
    [40, 4, 64, { workers: 1, memoriesPerWorker: 1 }],
  ])('%i nodes, %j wanted, %i cores', (nodes, wanted, cores, share) => {
    expect(shareOfSandboxes(specOf(nodes, wanted), 0, cores)).toEqual(share);
  });

  it('takes the number of each node from a list', () => {
    const workers = [0, 1, 2, 3].map(
      (index) => shareOfSandboxes(specOf(4, [1, 2, 4, 3]), index, 2).workers,
    );
    expect(workers).toEqual([1, 2, 4, 3]);
  });

  it('never hands out more memories than the tab has', () => {
    for (let nodes = 1; nodes <= 40; nodes += 1) {
      for (let wanted = 1; wanted <= 4; wanted += 1) {
        const { workers, memoriesPerWorker } = shareOfSandboxes(specOf(nodes, wanted), 0, 8);
        expect(nodes * workers * memoriesPerWorker).toBeLessThanOrEqual(56);
        expect(memoriesPerWorker).toBeGreaterThanOrEqual(workers > 1 ? 2 : 1);
      }
    }
  });
});
