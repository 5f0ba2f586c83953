import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { compareText } from '../../base/bytes.ts';
import { SlotMap } from './slot-map.ts';

/** Some near, some around the end of the lists, some as a liar would number them. */
const slotId = fc.oneof(
  fc.nat(6),
  fc.integer({ min: 8190, max: 8194 }),
  fc.constant(Number.MAX_SAFE_INTEGER),
);
const write = fc.record({ slotId, commitId: fc.nat(), content: fc.string({ minLength: 1 }) });

test.prop([fc.array(write, { maxLength: 40 })])(
  'holds what was last written to each slot, wherever its number lies',
  (writes) => {
    const slots = new SlotMap<string>();
    const expected = new Map<number, { readonly commitId: number; readonly content: string }>();
    for (const { slotId: at, commitId, content } of writes) {
      expect(slots.commitOf(at)).toBe(expected.get(at)?.commitId ?? -1);
      slots.set(at, commitId, content);
      expected.set(at, { commitId, content });
    }
    expect(slots.size).toBe(expected.size);
    for (const [at, { commitId, content }] of expected) {
      expect([slots.commitOf(at), slots.get(at)]).toEqual([commitId, content]);
    }
    const contents = [...expected.values()].map(({ content }) => content);
    expect([...slots.values()].toSorted(compareText)).toEqual(contents.toSorted(compareText));
  },
);

test('a slot never written is empty and older than any update', () => {
  const slots = new SlotMap<string>();
  slots.set(3, 0, 'third');
  expect([slots.get(2), slots.commitOf(2), slots.size]).toEqual([undefined, -1, 1]);
});
