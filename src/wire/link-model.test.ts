import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrng } from '../base/prng.ts';
import { createLinkModel, type LinkModel, type PacketFate } from './link-model.ts';
import { DISTRIBUTIONS, type LinkConditions, PERFECT_LINK } from './network-spec.ts';

const NS_PER_MS = 1_000_000;
const link = (conditions: Partial<LinkConditions>): LinkConditions => ({
  ...PERFECT_LINK,
  ...conditions,
});
const modelOf = (seed: string): LinkModel => createLinkModel(createPrng(seed));
const arrivalsMs = (fate: PacketFate): readonly number[] =>
  fate.kind === 'drop' ? [] : fate.arrivalsNs.map((at) => at / NS_PER_MS);

/** Delays of packets that are too far apart to wait for each other, milliseconds, ascending. */
function delaysMs(seed: string, conditions: LinkConditions, count: number): number[] {
  const model = modelOf(seed);
  const delays: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const sentMs = i * 100_000;
    for (const at of arrivalsMs(model.send(conditions, sentMs * NS_PER_MS, 100))) {
      delays.push(at - sentMs);
    }
  }
  return delays.sort((a, b) => a - b);
}
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const quantile = (ascending: readonly number[], q: number): number =>
  ascending[Math.floor(q * ascending.length)] ?? Number.NaN;

const conditionsArbitrary: fc.Arbitrary<LinkConditions> = fc.record({
  delayMs: fc.integer({ min: 0, max: 500 }),
  jitterMs: fc.integer({ min: 0, max: 100 }),
  distribution: fc.constantFrom(...DISTRIBUTIONS),
  bandwidthKbps: fc.constantFrom(0, 64, 10_000),
  lossPercent: fc.integer({ min: 0, max: 100 }),
  duplicatePercent: fc.integer({ min: 0, max: 100 }),
  reorderPercent: fc.integer({ min: 0, max: 100 }),
  cut: fc.boolean(),
});
const packets = fc.array(
  fc.record({ gapMs: fc.integer({ min: 0, max: 50 }), bytes: fc.integer({ min: 0, max: 5000 }) }),
  { maxLength: 40 },
);

describe('link model', () => {
  it('brings a packet of a perfect link at once and a delayed one after its delay', () => {
    const model = modelOf('perfect');
    expect(arrivalsMs(model.send(PERFECT_LINK, 5 * NS_PER_MS, 1000))).toEqual([5]);
    expect(arrivalsMs(model.send(link({ delayMs: 40 }), 6 * NS_PER_MS, 1000))).toEqual([46]);
  });

  it('repeats itself for the same seed, whatever the conditions', () => {
    fc.assert(
      fc.property(fc.string(), conditionsArbitrary, packets, (seed, conditions, sent) => {
        const run = (): PacketFate[] => {
          const model = modelOf(seed);
          let nowNs = 0;
          return sent.map(({ gapMs, bytes }) => {
            nowNs += gapMs * NS_PER_MS;
            return model.send(conditions, nowNs, bytes);
          });
        };
        expect(run()).toEqual(run());
      }),
    );
  });

  it('brings nothing before it was sent, everything in order when nothing is reordered', () => {
    fc.assert(
      fc.property(fc.string(), conditionsArbitrary, packets, (seed, drawn, sent) => {
        const conditions = { ...drawn, reorderPercent: 0 };
        const model = modelOf(seed);
        let nowNs = 0;
        let lastNs = 0;
        for (const { gapMs, bytes } of sent) {
          nowNs += gapMs * NS_PER_MS;
          const fate = model.send(conditions, nowNs, bytes);
          expect(conditions.cut && fate.kind === 'deliver').toBe(false);
          for (const at of fate.kind === 'deliver' ? fate.arrivalsNs : []) {
            expect(Number.isSafeInteger(at)).toBe(true);
            expect(at).toBeGreaterThanOrEqual(Math.max(nowNs, lastNs));
            lastNs = at;
          }
        }
      }),
    );
  });

  it('keeps its order when the delay shrinks', () => {
    const model = modelOf('shrink');
    expect(arrivalsMs(model.send(link({ delayMs: 50 }), 0, 1))).toEqual([50]);
    expect(arrivalsMs(model.send(PERFECT_LINK, 0, 1))).toEqual([50]);
  });

  it('lets packets overtake a reordered one', () => {
    const model = modelOf('reorder');
    const [held = 0] = arrivalsMs(model.send(link({ reorderPercent: 100 }), 0, 1));
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(50);
    expect(arrivalsMs(model.send(PERFECT_LINK, 0, 1))).toEqual([0]);
  });

  it.each([
    ['lossPercent', 30, (count: number) => 1000 - count],
    ['duplicatePercent', 30, (count: number) => count - 1000],
  ] as const)('%s happens about as often as it says', (key, percent, hits) => {
    const happened = hits(delaysMs('shares', link({ [key]: percent }), 1000).length);
    expect(happened).toBeGreaterThan(240);
    expect(happened).toBeLessThan(360);
  });

  it('spreads uniform jitter from none to all of it', () => {
    const delays = delaysMs('u', link({ delayMs: 20, jitterMs: 10 }), 2000);
    expect(quantile(delays, 0)).toBeGreaterThanOrEqual(20);
    expect(quantile(delays, 0.9999)).toBeLessThanOrEqual(30);
    expect(Math.abs(mean(delays) - 25)).toBeLessThan(0.5);
  });

  it('spreads normal jitter around the delay by its standard deviation', () => {
    const conditions = link({ delayMs: 100, jitterMs: 10, distribution: 'normal' });
    const delays = delaysMs('n', conditions, 2000);
    const average = mean(delays);
    const deviation = Math.sqrt(mean(delays.map((delay) => (delay - average) ** 2)));
    expect(Math.abs(average - 100)).toBeLessThan(1);
    expect(Math.abs(deviation - 10)).toBeLessThan(0.7);
    const below = delays.filter((delay) => delay < 90).length / delays.length;
    expect(Math.abs(below - 0.159), 'a sixth is a deviation below').toBeLessThan(0.03);
  });

  it('gives a heavy tail many quick packets and a few very late ones', () => {
    const conditions = link({ delayMs: 20, jitterMs: 10, distribution: 'heavyTail' });
    const delays = delaysMs('t', conditions, 4000);
    expect(Math.abs(quantile(delays, 0.5) - 24.1)).toBeLessThan(0.7);
    expect(Math.abs(quantile(delays, 0.99) - 110)).toBeLessThan(30);
    expect(quantile(delays, 0.9999)).toBeLessThanOrEqual(20 + 50 * 10);
    expect(quantile(delays, 0)).toBeGreaterThanOrEqual(20);
  });

  it('sends one packet after the other through a narrow link', () => {
    const model = modelOf('narrow');
    // 8 kbit/s carry one byte in a millisecond.
    const narrow = link({ bandwidthKbps: 8, delayMs: 5 });
    expect(arrivalsMs(model.send(narrow, 0, 100))).toEqual([105]);
    expect(arrivalsMs(model.send(narrow, 50 * NS_PER_MS, 100))).toEqual([205]);
    expect(arrivalsMs(model.send(narrow, 1000 * NS_PER_MS, 10))).toEqual([1015]);
  });

  it('drops what a full queue cannot take, and recovers when it has drained', () => {
    const model = modelOf('full');
    const narrow = link({ bandwidthKbps: 8000 });
    const megabytes = 1024 * 1024;
    const fates = Array.from({ length: 12 }, () => model.send(narrow, 0, megabytes));
    expect(fates.map(({ kind }) => kind).lastIndexOf('deliver')).toBe(8);
    expect(fates.at(-1)).toEqual({ kind: 'drop', cause: 'queue' });
    expect(model.send(narrow, 60_000 * NS_PER_MS, 6 * megabytes).kind).toBe('deliver');
  });
});
