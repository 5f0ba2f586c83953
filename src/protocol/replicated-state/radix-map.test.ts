import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { compareText } from '../../base/bytes.ts';
import { RadixMap } from './radix-map.ts';

const key = fc.oneof(
  fc.stringMatching(/^[0-9a-f]{0,6}$/),
  fc.nat(200).map((n) => `00000000000${n.toString(16).padStart(5, '0')}`),
);
const command = fc.record({ key, value: fc.option(fc.nat(3), { nil: undefined }) });

function apply<V>(map: RadixMap<V>, step: { key: string; value: V | undefined }): RadixMap<V> {
  return step.value === undefined ? map.delete(step.key) : map.set(step.key, step.value);
}

/** Sum and largest; counts how often it looks at a value. */
function counted() {
  const looks = { count: 0 };
  const by = {
    empty: { sum: 0, max: -1 },
    of: ({ n }: { n: number }) => {
      looks.count += 1;
      return { sum: n, max: n };
    },
    join: (a: { sum: number; max: number }, b: { sum: number; max: number }) => ({
      sum: a.sum + b.sum,
      max: Math.max(a.max, b.max),
    }),
  };
  return { by, looks };
}

describe('radix map', () => {
  test.prop([fc.array(command, { maxLength: 300 }), fc.nat(3)])(
    'sums up and selects like a walk over all values, after every change',
    (steps, least) => {
      const { by } = counted();
      let map = RadixMap.empty<{ n: number }>();
      for (const { key: at, value } of steps) {
        map = value === undefined ? map.delete(at) : map.set(at, { n: value });
        const values = [...map.values()];
        const total = values.reduce((sum, { n }) => sum + n, 0);
        expect(map.summary(by)).toEqual({
          sum: total,
          max: Math.max(-1, ...values.map(({ n }) => n)),
        });
        const large = values.filter(({ n }) => n >= least);
        expect([...map.select(by, ({ max }) => max >= least)]).toEqual(large);
      }
    },
  );

  it('looks only at what changed since a version that was summed up', () => {
    const { by, looks } = counted();
    let map = RadixMap.empty<{ n: number }>();
    for (let n = 0; n < 2000; n += 1) {
      map = map.set(n.toString(16).padStart(16, '0'), { n });
    }
    expect(map.summary(by).sum).toBe((2000 * 1999) / 2);
    expect(looks.count).toBe(2000);
    const changed = map.set('00000000000003e8', { n: 5000 });
    expect([...changed.select(by, ({ max }) => max >= 2000)]).toEqual([{ n: 5000 }]);
    expect(changed.summary(by).max).toBe(5000);
    expect(looks.count).toBe(2001);
  });

  test.prop([fc.array(command, { maxLength: 300 })])('agrees with a sorted map', (steps) => {
    let map = RadixMap.empty<number>();
    const model = new Map<string, number>();
    for (const step of steps) {
      map = apply(map, step);
      if (step.value === undefined) {
        model.delete(step.key);
      } else {
        model.set(step.key, step.value);
      }
    }
    const sorted = [...model].sort((a, b) => compareText(a[0], b[0]));
    expect([...map.entries()]).toEqual(sorted);
    expect(map.size).toBe(model.size);
  });

  test.prop([fc.array(command, { maxLength: 200 }), fc.array(command, { maxLength: 50 })])(
    'names exactly what changed and keeps the old version',
    (first, second) => {
      const before = first.reduce(apply, RadixMap.empty<number>());
      const frozen = [...before.entries()];
      const after = second.reduce(apply, before);
      const rebuilt = after
        .changesSince(before)
        .reduce((map, change) => apply(map, change), before);
      expect([...rebuilt.entries()]).toEqual([...after.entries()]);
      expect([...before.entries()]).toEqual(frozen);
      for (const change of after.changesSince(before)) {
        expect(change.value).not.toBe(before.get(change.key));
      }
    },
  );

  it('visits only what changed', () => {
    let map = RadixMap.empty<object>();
    for (let i = 0; i < 5000; i += 1) {
      map = map.set(i.toString(16).padStart(8, '0'), {});
    }
    const next = map.set('00000123', {});
    expect(next.changesSince(map).map((change) => change.key)).toEqual(['00000123']);
    expect(map.changesSince(map)).toEqual([]);
  });
});
