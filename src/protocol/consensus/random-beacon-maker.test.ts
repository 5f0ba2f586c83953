import { describe, expect, it } from 'vitest';
import { makeRandomBeaconShare } from './random-beacon-maker.ts';
import { makeRandomTapeShares } from './random-tape-maker.ts';
import { RoleFixture } from './testing/role-fixture.ts';

describe('random beacon maker', () => {
  it('CN10: signs the next beacon once a block of the current beacon’s height is notarized', () => {
    const f = new RoleFixture();
    const [made] = f.run(makeRandomBeaconShare);
    expect(made).toMatchObject({
      kind: 'addToValidated',
      artifact: { kind: 'randomBeaconShare', height: 1, signer: f.self },
    });
    f.validated(f.beacon(1));
    expect(f.run(makeRandomBeaconShare), 'no notarized block of height 1 yet').toEqual([]);
    const block = f.block(f.genesisBlock);
    f.validated(f.proposal(block));
    f.validated(f.notarization(block));
    expect(f.run(makeRandomBeaconShare)[0]).toMatchObject({
      artifact: { height: 2, parent: f.view.beaconAt(1)?.hash },
    });
  });

  it('CN10: signs only once', () => {
    const f = new RoleFixture();
    f.apply(f.run(makeRandomBeaconShare));
    expect(f.run(makeRandomBeaconShare)).toEqual([]);
  });
});

describe('random tape maker', () => {
  const heights = (f: RoleFixture): unknown[] =>
    f.run(makeRandomTapeShares).map((a) => a.kind === 'addToValidated' && a.artifact.height);

  it('CN12: signs from the next batch to one above the finalized height, once', () => {
    const f = new RoleFixture();
    expect(heights(f)).toEqual([1]);
    let tip = f.genesisBlock;
    for (let i = 0; i < 3; i += 1) {
      tip = f.round(tip);
    }
    f.validated(f.finalization(tip));
    expect(heights(f)).toEqual([1, 2, 3, 4]);
    f.nextBatchHeight = 3;
    f.apply(f.run(makeRandomTapeShares));
    expect(heights(f)).toEqual([]);
  });

  it('CN12: looks at most 16 heights ahead of execution', () => {
    const f = new RoleFixture(1, { dkgIntervalLength: 99 });
    let tip = f.genesisBlock;
    for (let i = 0; i < 30; i += 1) {
      tip = f.round(tip);
    }
    f.validated(f.finalization(tip));
    expect(heights(f)).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
  });
});
