import { describe, expect, it } from 'vitest';
import { MS, RoleFixture } from './testing/role-fixture.ts';

describe('the start of a round', () => {
  it('CN15: is the later of the first notarization of the height before and its beacon', () => {
    const f = new RoleFixture();
    const at = (ms: bigint): bigint => {
      f.nowNs = f.genesis.genesisTimeNs + ms * MS;
      return f.nowNs;
    };
    const block = f.block(f.genesisBlock);
    f.validated(f.proposal(block));
    at(10n);
    f.validated(f.notarization(block));
    expect(f.view.roundStartNs(2), 'the beacon is missing').toBeUndefined();
    const began = at(25n);
    f.validated(f.beacon(1));
    expect(f.view.roundStartNs(2)).toBe(began);
    at(40n);
    const rival = f.block(f.genesisBlock, 1);
    f.validated(f.proposal(rival));
    f.validated(f.notarization(rival));
    expect(f.view.roundStartNs(2), 'a second notarization changes nothing').toBe(began);
  });
});
