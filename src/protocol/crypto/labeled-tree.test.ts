import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { compareBytes, equalBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import type { HashTree, TreeLabel } from './hash-tree.ts';
import {
  decodeHashTree,
  encodeHashTree,
  isWellFormed,
  lookupPath,
  lookupSubtree,
  treeRoot,
} from './hash-tree.ts';
import type { LabeledTree, MapTree } from './labeled-tree.ts';
import {
  digest,
  EMPTY_MAP,
  getEntry,
  labeledMap,
  leaf,
  mapEntries,
  mapSize,
  toHashTree,
  withEntry,
  withoutEntry,
  witness,
} from './labeled-tree.ts';

const label = fc.uint8Array({ maxLength: 4, max: 3 });
const steps = fc.array(
  fc.tuple(label, fc.option(fc.uint8Array({ maxLength: 6 }), { nil: undefined })),
  { maxLength: 40 },
);

function apply(list: readonly (readonly [Uint8Array, Uint8Array | undefined])[]) {
  let map = EMPTY_MAP;
  const model = new Map<string, readonly [TreeLabel, Uint8Array]>();
  for (const [key, value] of list) {
    if (value === undefined) {
      map = withoutEntry(map, key);
      model.delete(bytesToHex(key));
    } else {
      map = withEntry(map, key, leaf(value));
      model.set(bytesToHex(key), [key, value]);
      digest(map);
    }
  }
  const entries = [...model.values()].sort((a, b) => compareBytes(a[0], b[0]));
  return { map, entries };
}

function hasEmptyInFork(tree: HashTree): boolean {
  if (tree[0] === 1) {
    return [tree[1], tree[2]].some((side) => side[0] === 0 || hasEmptyInFork(side));
  }
  return tree[0] === 2 && hasEmptyInFork(tree[2]);
}

describe('labelled tree', () => {
  test.prop([steps])('incremental equals from scratch, in any order', (list) => {
    const { map, entries } = apply(list);
    const scratch = labeledMap(entries.map(([key, value]) => [key, leaf(value)] as const));
    const backwards = labeledMap(
      entries.toReversed().map(([key, value]) => [key, leaf(value)] as const),
    );
    expect(bytesToHex(digest(map))).toBe(bytesToHex(digest(scratch)));
    expect(bytesToHex(digest(map))).toBe(bytesToHex(digest(backwards)));
    expect(bytesToHex(treeRoot(toHashTree(map)))).toBe(bytesToHex(digest(map)));
    expect(
      mapEntries(map).map(([key, tree]) => [key, tree.kind === 'leaf' ? tree.value : null]),
    ).toEqual(entries);
    expect(mapSize(map)).toBe(entries.length);
    expect(isWellFormed(toHashTree(map))).toBe(true);
    for (const [key, value] of entries) {
      expect(getEntry(map, key)).toMatchObject({ kind: 'leaf', value });
    }
  });

  test.prop([steps, fc.array(label, { minLength: 1, maxLength: 5 })])(
    'witnesses keep the root and answer every asked path',
    (list, asked) => {
      const { map, entries } = apply(list);
      const proof = witness(
        map,
        asked.map((key) => [key]),
      );
      expect(bytesToHex(treeRoot(proof))).toBe(bytesToHex(digest(map)));
      expect(isWellFormed(proof)).toBe(true);
      expect(hasEmptyInFork(proof)).toBe(false);
      for (const key of asked) {
        const expected = entries.find(([known]) => equalBytes(known, key));
        const outcome = lookupSubtree(proof, [key]);
        expect(outcome.kind).toBe(expected === undefined ? 'absent' : 'found');
        expect(lookupPath(proof, [key])).toEqual(expected?.[1]);
      }
      // Nothing that wasn't asked for is readable.
      for (const [key] of entries) {
        if (!asked.some((wanted) => equalBytes(wanted, key))) {
          expect(lookupPath(proof, [key])).toBeUndefined();
        }
      }
      expect(decodeHashTree(encodeHashTree(proof))).toEqual({ ok: true, value: proof });
    },
  );

  test.prop([
    steps.filter((list) => list.some(([, value]) => value !== undefined)),
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
  ])('a damaged witness is refused or has another root', (list, at, flip) => {
    const { map } = apply(list);
    const bytes = encodeHashTree(witness(map, [[Uint8Array.of(1)], [Uint8Array.of(2, 1)]]));
    const index = at % bytes.length;
    bytes[index] = (bytes[index] as number) ^ flip;
    const decoded = decodeHashTree(bytes);
    expect(decoded.ok && equalBytes(treeRoot(decoded.value), digest(map))).toBe(false);
  });

  it('nests, prunes and shows whole subtrees', () => {
    const key = (text: string): Uint8Array => new TextEncoder().encode(text);
    const inner = labeledMap([
      [key('status'), leaf(key('replied'))],
      [key('reply'), leaf(key('42'))],
    ]);
    const secret = labeledMap([[key('status'), leaf(key('secret'))]]);
    const requests = labeledMap([
      [key('r1'), inner],
      [key('r2'), secret],
    ]);
    const root = labeledMap([
      [key('time'), leaf(key('t'))],
      [key('request_status'), requests],
      [key('empty'), EMPTY_MAP],
    ]);
    const proof = witness(root, [
      [key('time')],
      [key('request_status'), key('r1')],
      [key('empty'), key('x')],
    ]);
    expect(treeRoot(proof)).toEqual(digest(root));
    expect(lookupPath(proof, [key('request_status'), key('r1'), key('reply')])).toEqual(key('42'));
    expect(lookupSubtree(proof, [key('request_status'), key('r2')]).kind).toBe('unknown');
    expect(lookupSubtree(proof, [key('empty'), key('x')]).kind).toBe('absent');
    expect(bytesToHex(encodeHashTree(proof))).not.toContain(bytesToHex(key('secret')));
  });

  it('shares what did not change: one more entry in 4,096 makes a dozen new nodes', () => {
    const name = (i: number): Uint8Array => Uint8Array.of(i >> 8, i & 0xff);
    let map: MapTree = labeledMap(
      Array.from({ length: 4096 }, (_, i) => [name(i), leaf(name(i))] as const),
    );
    digest(map);
    map = withEntry(map, name(2000), leaf(Uint8Array.of(1)));
    expect(unhashed(map)).toBeLessThanOrEqual(14);
    digest(map);
    expect(unhashed(map)).toBe(0);
    expect(withEntry(map, name(7), getEntry(map, name(7)) as LabeledTree)).toBe(map);
  });
});

function unhashed(tree: MapTree): number {
  const count = (node: MapTree['root']): number => {
    if (node === undefined) {
      return 0;
    }
    const own = node.hash.digest === undefined ? 1 : 0;
    return node.kind === 'entry' ? own : own + count(node.left) + count(node.right);
  };
  return count(tree.root);
}
