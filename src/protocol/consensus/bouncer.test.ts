import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
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

  const expectWindows = (...kinds: readonly ArtifactKind[]): void => {
    for (const kind of kinds) {
      const [, unwantedTo, wantedTo] = present(
        WINDOWS.find((row) => row[0] === kind),
        kind,
      );
      const asked = [unwantedTo, unwantedTo + 1, wantedTo, wantedTo + 1].map((h) => ask(kind, h));
      expect(asked, kind).toEqual(['unwanted', 'wants', 'wants', 'maybeLater']);
    }
  };

  it('CN81: beacons and notarization shares: ten heights above the own', () => {
    expectWindows('randomBeacon', 'randomBeaconShare', 'notarizationShare');
  });

  it('CN82: blocks and votes: above the finalized to ten above the notarized height', () => {
    expectWindows('blockProposal', 'notarization', 'finalization', 'finalizationShare');
    expectWindows('equivocationProof');
  });

  it('CN83: tapes: from the next batch to ten above the finalized height', () => {
    expectWindows('randomTape', 'randomTapeShare');
  });

  it('CN84: shares of packages: above the own package to the finalized height', () => {
    expectWindows('catchUpPackageShare');
  });

  it('CN85: certifications: above the certified height and the package', () => {
    expectWindows('certification', 'certificationShare');
    const behind = { ...AT, certified: 90 };
    expect(ask('certification', 100, behind)).toBe('unwanted');
    expect(ask('certification', 101, behind)).toBe('wants');
  });

  it('CN80: nothing but packages below the lower of next batch and package', () => {
    const behind = { ...AT, finalized: 80, notarized: 80, beacon: 80, expectedBatch: 70 };
    expect(ask('randomTape', 69, behind)).toBe('unwanted');
    expect(ask('randomTape', 70, behind)).toBe('wants');
    expect(ask('catchUpPackage', 101, behind)).toBe('wants');
    const ahead = { ...AT, notarized: 400, finalized: 400, beacon: 400 };
    expect(ask('blockProposal', 331, { ...ahead, finalized: 300 })).toBe('maybeLater');
  });

  it('CN84: wants every newer catch-up package, however far ahead', () => {
    expect(ask('catchUpPackage', 100)).toBe('unwanted');
    expect(ask('catchUpPackage', 101)).toBe('wants');
    expect(ask('catchUpPackage', Number.MAX_SAFE_INTEGER)).toBe('wants');
  });

  it('CN80: answers for every kind at every height, and never wants what is far ahead', () => {
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
