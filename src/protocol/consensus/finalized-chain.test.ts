import { describe, expect, it } from 'vitest';
import type { CatchUpPackage } from '../types/artifacts.ts';
import { createFinalizedChain } from './finalized-chain.ts';
import { fakeHash, RoleFixture } from './testing/role-fixture.ts';

describe('finalized chain', () => {
  it('CN29: takes ancestors along and says which block was finalized itself', () => {
    const f = new RoleFixture();
    const chain = createFinalizedChain(f.genesisBlock);
    const first = f.round(f.genesisBlock);
    const second = f.round(first);
    f.pool.validated.insert({ artifact: f.finalization(second), arrivedNs: 0n, from: null });
    expect(chain.update(f.view)).toEqual({
      finalized: [
        { block: first, explicit: false },
        { block: second, explicit: true },
      ],
      fork: null,
    });
    expect(chain.update(f.view)).toEqual({ finalized: [], fork: null });
    expect(chain.tip).toEqual(second);
  });

  it('CN30: reports a finalization that contradicts it and stays as it was', () => {
    const f = new RoleFixture();
    const chain = createFinalizedChain(f.genesisBlock);
    const first = f.round(f.genesisBlock);
    f.validated(f.finalization(first));
    chain.update(f.view);
    const other = f.block(f.genesisBlock, 1);
    f.validated(f.proposal(other));
    const child = f.block(other);
    f.validated(f.proposal(child));
    f.validated(f.finalization(child));
    expect(chain.update(f.view)).toEqual({
      finalized: [],
      fork: { height: 2, hash: child.blockHash },
    });
    expect(chain.tip).toEqual(first);
  });

  it('CN29: jumps to a catch-up package whose ancestors are unknown, and forgets below', () => {
    const f = new RoleFixture();
    const chain = createFinalizedChain(f.genesisBlock);
    const genesis = f.view.catchUpPackage();
    const block = { ...genesis.block, height: 30, blockHash: fakeHash(30) };
    const cup: CatchUpPackage = { ...genesis, height: 30, hash: fakeHash(31), block };
    f.validated(cup);
    expect(chain.update(f.view).finalized).toEqual([{ block, explicit: false }]);
    expect(chain.blockAt(29)).toBeUndefined();
    chain.purgeBelow(40);
    expect(chain.blockAt(0)).toBeUndefined();
    expect(chain.blockAt(30), 'the tip stays').toEqual(block);
  });
});
