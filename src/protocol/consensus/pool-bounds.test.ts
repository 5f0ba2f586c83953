import { describe, expect, it } from 'vitest';
import { MINIMUM_CHAIN_LENGTH, notaryBoundsFor } from '../limits/consensus.ts';
import { maximumValidated, poolExcess } from './pool-bounds.ts';
import { RoleFixture } from './testing/role-fixture.ts';

const input = (nodes: number, dkgIntervalLength: number) => ({
  nodes,
  dkgIntervalLength,
  bounds: notaryBoundsFor(dkgIntervalLength),
  minimumChainLength: MINIMUM_CHAIN_LENGTH,
});

describe('bounds of the validated pool', () => {
  it('CN77: are those of the IC for 40 nodes and an interval of 499', () => {
    expect(maximumValidated(input(40, 499))).toEqual({
      blockProposal: 1592,
      notarization: 1591,
      finalization: 681,
      randomBeacon: 682,
      randomTape: 682,
      notarizationShare: 39_200,
      finalizationShare: 2800,
      randomBeaconShare: 27_280,
      randomTapeShare: 27_280,
      catchUpPackageShare: 120,
      catchUpPackage: 3,
      equivocationProof: 980,
    });
  });

  it('CN77: name what exceeds them and by how much', () => {
    const f = new RoleFixture(4, { dkgIntervalLength: 99 });
    const tight = { ...input(4, 4), minimumChainLength: 0 };
    const allowed = maximumValidated(tight).finalization ?? 0;
    let parent = f.genesisBlock;
    for (let i = 0; i < allowed; i += 1) {
      parent = f.round(parent);
      f.validated(f.finalization(parent));
    }
    expect(poolExcess(f.pool, tight)).toEqual([]);
    parent = f.round(parent);
    f.validated(f.finalization(parent));
    expect(poolExcess(f.pool, tight)).toEqual([
      { artifact: 'finalization', found: allowed + 1, allowed },
    ]);
  });
});
