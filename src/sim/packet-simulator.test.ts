import { describe, expect, it } from 'vitest';
import { createPrng } from '../base/prng.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import { PERFECT_LINK } from '../wire/network-spec.ts';
import { createPacketSimulator } from './packet-simulator.ts';

const [A, B, C] = ['a', 'b', 'c'] as unknown as [NodeId, NodeId, NodeId];
const MS = 1_000_000;

describe('the simulated medium', () => {
  it('takes some time even on a perfect link', () => {
    const medium = createPacketSimulator(createPrng('1'), PERFECT_LINK);
    expect(medium.send(A, B, 10 * MS, 100)).toEqual({ arrivalsNs: [12 * MS], dropped: null });
  });

  it('gives each direction its own conditions', () => {
    const medium = createPacketSimulator(createPrng('1'), PERFECT_LINK);
    medium.setLink(A, B, { ...PERFECT_LINK, cut: true });
    expect(medium.send(A, B, 0, 100).dropped).toBe('cut');
    expect(medium.send(B, A, 0, 100).dropped).toBeNull();
    medium.heal();
    expect(medium.send(A, B, 0, 100).dropped).toBeNull();
  });

  it('queues packets for bandwidth by their size', () => {
    const medium = createPacketSimulator(createPrng('1'), { ...PERFECT_LINK, bandwidthKbps: 8 });
    expect(medium.send(A, B, 0, 1000).arrivalsNs).toEqual([1000 * MS]);
    expect(medium.send(A, B, 0, 1000).arrivalsNs).toEqual([2000 * MS]);
    expect(medium.send(A, C, 0, 1000).arrivalsNs).toEqual([1000 * MS]);
  });

  it('lets nobody across a partition; who is named nowhere forms a group', () => {
    const medium = createPacketSimulator(createPrng('1'), PERFECT_LINK);
    medium.partition([[A]]);
    expect(medium.send(A, B, 0, 1).dropped).toBe('partition');
    expect(medium.send(B, C, 0, 1).dropped).toBeNull();
    medium.partition([]);
    expect(medium.send(A, B, 0, 1).dropped).toBeNull();
  });
});
