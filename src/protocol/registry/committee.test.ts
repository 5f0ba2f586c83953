import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import { createChaChaRng, shuffle } from './chacha-rng.ts';
import {
  blockMakersFor,
  committeeFor,
  committeeSize,
  committeeThreshold,
  faultsTolerated,
} from './committee.ts';

function littleEndian(words: readonly number[]): string {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  return bytesToHex(bytes);
}

describe('ChaCha20 generator', () => {
  it('CN3: gives the keystream of RFC 8439 appendix A.1, test vectors 1 and 2', () => {
    const rng = createChaChaRng(new Uint8Array(32));
    const words = Array.from({ length: 32 }, () => rng.nextU32());
    expect(littleEndian(words.slice(0, 16))).toBe(
      '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
        'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
    );
    expect(littleEndian(words.slice(16))).toBe(
      '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed' +
        '29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
    );
  });

  it('CN3: draws every number below the bound about equally often', () => {
    const rng = createChaChaRng(new Uint8Array(32).fill(7));
    const counts = Array.from({ length: 5 }, () => 0);
    for (let i = 0; i < 10_000; i += 1) {
      const drawn = rng.below(5);
      counts[drawn] = (counts[drawn] as number) + 1;
    }
    for (const count of counts) {
      expect(Math.abs(count - 2000)).toBeLessThan(200);
    }
  });

  test.prop([fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(fc.integer())])(
    'a shuffle is a permutation',
    (seed, items) => {
      const order = (a: number, b: number): number => a - b;
      const shuffled = shuffle(items, createChaChaRng(seed));
      expect([...shuffled].sort(order)).toEqual([...items].sort(order));
    },
  );
});

describe('committees', () => {
  it('CN1: have the sizes of the specification', () => {
    const table = [
      [1, 0, 1, 1],
      [4, 1, 4, 3],
      [6, 1, 4, 3],
      [7, 2, 7, 5],
      [13, 4, 13, 9],
      [34, 11, 34, 23],
      [40, 13, 40, 27],
    ] as const;
    for (const [n, f, committee, threshold] of table) {
      expect([n, faultsTolerated(n), committeeSize(n), committeeThreshold(n)]).toEqual([
        n,
        f,
        committee,
        threshold,
      ]);
    }
  });

  it('CN2: change with the beacon; makers and committee are drawn independently', () => {
    const nodes = Array.from({ length: 13 }, (_, i) => i.toString(16).padStart(2, '0') as NodeId);
    const beacon = (i: number): HashHex => i.toString(16).padStart(64, '0') as HashHex;
    const first = new Map<NodeId, number>();
    for (let i = 0; i < 1300; i += 1) {
      const makers = blockMakersFor(nodes, beacon(i));
      expect(makers).toHaveLength(5);
      expect(new Set(makers).size).toBe(5);
      const leader = makers[0] as NodeId;
      first.set(leader, (first.get(leader) ?? 0) + 1);
    }
    for (const node of nodes) {
      expect(Math.abs((first.get(node) ?? 0) - 100), node).toBeLessThan(50);
    }
    expect(committeeFor(nodes, beacon(1))).toHaveLength(13);
    expect(committeeFor(nodes, beacon(1))[0]).not.toBe(committeeFor(nodes, beacon(2))[0]);
  });

  it('CN2: are of the nodes in force, also when others were drawn from the same beacon', () => {
    const nodes = ['01', '02', '03', '04'] as NodeId[];
    const beacon = 'ab'.repeat(32) as HashHex;
    const drawn = committeeFor(nodes, beacon);
    const others = ['01', '02', '03', '05'] as NodeId[];
    expect(committeeFor(others, beacon).toSorted()).toEqual(others);
    expect(committeeFor([...nodes], beacon)).toEqual(drawn);
  });
});
