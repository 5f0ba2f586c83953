import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { NameMap } from './name-map.ts';
import { nameKey } from './packet.ts';

const name = fc.record({
  kind: fc.constantFrom('notarization', 'finalization'),
  height: fc.nat(2),
  hash: fc.constantFrom('aa', 'bb'),
});
const step = fc.record({ op: fc.constantFrom('set', 'delete', 'get'), name });

test.prop([fc.array(step, { maxLength: 60 })])(
  'is a map by whole names, also where liars give one hash several names',
  (steps) => {
    const map = new NameMap<{
      readonly name: (typeof steps)[number]['name'];
      readonly at: number;
    }>();
    const model = new Map<string, number>();
    steps.forEach(({ op, name: key }, at) => {
      if (op === 'set') {
        map.set({ name: key, at });
        model.set(nameKey(key), at);
      } else if (op === 'delete') {
        map.delete(key);
        model.delete(nameKey(key));
      }
      expect(map.get(key)?.at).toBe(model.get(nameKey(key)));
      expect(map.has(key)).toBe(model.has(nameKey(key)));
    });
    expect(
      map
        .values()
        .map(({ at }) => at)
        .sort((a, b) => a - b),
    ).toEqual([...model.values()].sort((a, b) => a - b));
  },
);
