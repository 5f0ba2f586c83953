import { describe, expect, it } from 'vitest';
import { linkInWords, nodeInWords } from './narrate-world.ts';
import { PERFECT_LINK } from './network-spec.ts';
import { HEALTHY_NODE } from './node-conditions.ts';

describe('the world in words', () => {
  it('names everything that is wrong with a node, and nothing else', () => {
    expect(nodeInWords(HEALTHY_NODE)).toBe('all is well again');
    expect(nodeInWords({ ...HEALTHY_NODE, diskDelayMs: 200, clockOffsetMs: -3000 })).toBe(
      'its disk takes 200 ms longer; its clock is 3000 ms behind',
    );
    expect(nodeInWords({ ...HEALTHY_NODE, paused: true, cpuSlowdown: 2.5, failWrites: true })).toBe(
      'it hangs; its CPU is 2.5 times slower; its disk refuses every write',
    );
  });

  it('names what a link does to packets', () => {
    expect(linkInWords(PERFECT_LINK)).toBe('no delay, nothing lost');
    expect(linkInWords({ ...PERFECT_LINK, cut: true, delayMs: 5 })).toBe('cut');
    expect(
      linkInWords({
        ...PERFECT_LINK,
        delayMs: 60,
        jitterMs: 5,
        distribution: 'heavyTail',
        bandwidthKbps: 1000,
        lossPercent: 2,
      }),
    ).toBe('60 ms one way; 5 ms jitter, at times far more; 1000 kbit/s; 2 % lost');
  });
});
