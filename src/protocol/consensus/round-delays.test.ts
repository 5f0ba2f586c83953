import { describe, expect, it } from 'vitest';
import { notaryBoundsFor } from '../limits/consensus.ts';
import { notaryDelayNs, rankDelayNs } from './round-delays.ts';
import { MS } from './testing/role-fixture.ts';
import { TEST_PARAMETERS } from './testing/mini-cluster.ts';

const APP = { ...TEST_PARAMETERS, unitDelayMs: 1000, initialNotaryDelayMs: 300 };
const at = (notarized: number, finalized: number, certified: number) => ({
  notarized,
  finalized,
  certified,
  isHalting: false,
});

describe('delays of a round', () => {
  it('CN17: rank delay is a unit per rank', () => {
    expect([0, 1, 3].map((rank) => rankDelayNs(APP, rank))).toEqual([0n, 1000n * MS, 3000n * MS]);
  });

  it('CN23: notary delay is 300 ms + unit · rank when everything keeps up', () => {
    expect(notaryDelayNs(APP, 0, at(5, 5, 5))).toBe(300n * MS);
    expect(notaryDelayNs(APP, 2, at(5, 5, 4))).toBe(2300n * MS);
  });

  it('CN23: grows by half per notarized, not finalized height; rank 0 is not affected', () => {
    expect(notaryDelayNs(APP, 1, at(7, 5, 5))).toBe((300n + 2250n) * MS);
    expect(notaryDelayNs(APP, 1, at(8, 5, 5))).toBe((300n + 3375n) * MS);
    expect(notaryDelayNs(APP, 0, at(60, 5, 5))).toBe(300n * MS);
  });

  it('CN23: adds 2 s per height once certification is more than one height behind', () => {
    expect(notaryDelayNs(APP, 0, at(9, 9, 8))).toBe(300n * MS);
    expect(notaryDelayNs(APP, 0, at(9, 9, 7))).toBe(4300n * MS);
    const nns = { ...APP, unitDelayMs: 3000 };
    expect(notaryDelayNs(nns, 0, at(9, 9, 7))).toBe(4300n * MS);
  });

  it('CN23: certification cannot keep up while the subnet halts, and nobody waits for it', () => {
    expect(notaryDelayNs(APP, 0, { ...at(9, 9, 2), isHalting: true })).toBe(300n * MS);
  });

  it('CN23: stays finite whatever the heights are', () => {
    const delay = notaryDelayNs(APP, 13, at(Number.MAX_SAFE_INTEGER, 0, 0));
    expect(delay).toBeLessThan(10n ** 20n);
  });

  it('CN25: bounds are those of mainnet from its interval on, and shrink with it', () => {
    expect(notaryBoundsFor(499)).toEqual({ certificationGap: 70, catchUpGap: 130 });
    expect(notaryBoundsFor(99)).toEqual({ certificationGap: 70, catchUpGap: 130 });
    expect(notaryBoundsFor(19)).toEqual({ certificationGap: 14, catchUpGap: 26 });
    expect(notaryBoundsFor(1)).toEqual({ certificationGap: 5, catchUpGap: 9 });
  });
});
