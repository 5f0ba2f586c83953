import { describe, expect, it } from 'vitest';
import type { ArtifactKind } from '../types/artifacts.ts';
import { ARTIFACT_KINDS } from '../types/artifacts.ts';
import type { BouncerHeights } from './bouncer.ts';
import { bouncer } from './bouncer.ts';
import { fakeHash } from './testing/role-fixture.ts';

const AT: BouncerHeights = {
  beacon: 131,
  notarized: 130,
  finalized: 128,
  certified: 125,
  catchUpPackage: 100,
  nextCatchUpPackage: 200,
  expectedBatch: 127,
  dkgStart: 100,
};
const ask = (kind: ArtifactKind, height: number, at: BouncerHeights = AT): string =>
  bouncer({ kind, height, hash: fakeHash(height) }, at);

/** Last unwanted and last wanted height of each kind. */
const WINDOWS: readonly (readonly [ArtifactKind, number, number])[] = [
  ['randomBeacon', 131, 141],
  ['randomBeaconShare', 131, 141],
  ['notarizationShare', 130, 140],
  ['blockProposal', 128, 140],
  ['notarization', 128, 140],
  ['finalization', 128, 140],
  ['finalizationShare', 128, 140],
  ['equivocationProof', 128, 140],
  ['randomTape', 126, 138],
  ['randomTapeShare', 126, 138],
  ['catchUpPackageShare', 100, 128],
  ['certification', 125, 330],
  ['certificationShare', 125, 330],
];

describe('bouncer', () => {
  for (const [kind, unwantedTo, wantedTo] of WINDOWS) {
    it(`${kind}: unwanted to ${unwantedTo}, wanted to ${wantedTo}`, () => {
      expect(ask(kind, unwantedTo)).toBe('unwanted');
      expect(ask(kind, unwantedTo + 1)).toBe('wants');
      expect(ask(kind, wantedTo)).toBe('wants');
      expect(ask(kind, wantedTo + 1)).toBe('maybeLater');
    });
  }

  it('wants every newer catch-up package, however far ahead', () => {
    expect(ask('catchUpPackage', 100)).toBe('unwanted');
    expect(ask('catchUpPackage', 101)).toBe('wants');
    expect(ask('catchUpPackage', Number.MAX_SAFE_INTEGER)).toBe('wants');
  });

  it('answers for every kind at every height, and never wants what is far ahead', () => {
    for (const kind of ARTIFACT_KINDS) {
      for (let height = 0; height < 400; height += 7) {
        expect(['wants', 'maybeLater', 'unwanted']).toContain(ask(kind, height));
      }
      if (kind !== 'catchUpPackage') {
        expect(ask(kind, 331)).toBe('maybeLater');
        expect(ask(kind, 1)).toBe('unwanted');
      }
    }
  });
});
