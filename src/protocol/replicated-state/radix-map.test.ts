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

describe('radix map', () => {
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
