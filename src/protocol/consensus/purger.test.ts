import { describe, expect, it } from 'vitest';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { CatchUpPackage } from '../types/artifacts.ts';
import { createPurger } from './purger.ts';
import { fakeHash, RoleFixture } from './testing/role-fixture.ts';

describe('purger', () => {
  it('has nothing to do in a fresh pool', () => {
    expect(new RoleFixture().run(createPurger())).toEqual([]);
  });

  it('CN76: removes losing blocks and notarizations of finalized heights, and nothing else', () => {
    const f = new RoleFixture();
    const purge = createPurger();
    const winner = f.round(f.genesisBlock);
    const loser = f.block(f.genesisBlock, 1);
    f.validated(f.proposal(loser));
    f.validated(f.notarization(loser));
    expect(f.run(purge), 'height 1 is not decided').toEqual([]);
    f.validated(f.finalization(winner));
    f.apply(f.run(purge));
    expect(f.pool.validated.at('blockProposal', 1).map((p) => p.block.blockHash)).toEqual([
      winner.blockHash,
    ]);
    expect(f.pool.validated.at('notarization', 1).map((n) => n.blockHash)).toEqual([
      winner.blockHash,
    ]);
    expect(f.run(purge)).toEqual([]);
  });

  it('CN73 CN75: removes shares of decided rounds, own and unvalidated', () => {
    const f = new RoleFixture();
    const block = f.round(f.genesisBlock);
    f.validated(f.notarizationShare(block, f.self));
    f.unvalidated(f.notarizationShare(block, f.nodes[1] as never));
    f.unvalidated(f.proposal(f.block(f.genesisBlock, 1)));
    f.validated(f.finalization(block));
    f.apply(f.run(createPurger()));
    expect(f.pool.validated.at('notarizationShare', 1)).toEqual([]);
    expect(f.pool.unvalidated.size).toBe(0);
  });

  it('CN75: keeps a tape share until the tape exists', () => {
    const f = new RoleFixture();
    f.validated(f.finalization(f.round(f.genesisBlock)));
    const share = sealArtifact<'randomTapeShare'>({
      kind: 'randomTapeShare',
      height: 1,
      signer: f.self,
      signature: new Uint8Array(48),
    });
    f.validated(share);
    expect(f.run(createPurger())).toEqual([]);
    f.validated(
      sealArtifact<'randomTape'>({ kind: 'randomTape', height: 1, signature: new Uint8Array(48) }),
    );
    expect(f.run(createPurger())).toMatchObject([{ kind: 'removeFromValidated' }]);
  });

  it('CN73: removes the tape shares of peers once their tape is there, in order of height', () => {
    const f = new RoleFixture();
    const shareAt = (height: number) =>
      sealArtifact<'randomTapeShare'>({
        kind: 'randomTapeShare',
        height,
        signer: f.nodes[1] as never,
        signature: new Uint8Array(48),
      });
    const purge = createPurger();
    for (const height of [1, 2, 3]) {
      f.unvalidated(shareAt(height));
    }
    f.validated(f.tape(2));
    expect(f.run(purge), 'the tape of height 1 is still to be made').toEqual([]);
    f.validated(f.tape(1));
    f.apply(f.run(purge));
    expect(f.pool.unvalidated.heights('randomTapeShare')).toEqual([3]);
    expect(f.run(purge)).toEqual([]);
  });

  it('CN74: keeps the given number of heights below the catch-up package', () => {
    const f = new RoleFixture(1, { dkgIntervalLength: 99 });
    f.minimumChainLength = 5;
    let tip = f.genesisBlock;
    for (let i = 0; i < 12; i += 1) {
      tip = f.round(tip);
    }
    f.validated(f.finalization(tip));
    const genesis = f.view.catchUpPackage();
    const cup: CatchUpPackage = { ...genesis, height: 10, hash: fakeHash(10) };
    f.validated(cup);
    f.apply(f.run(createPurger()));
    expect(f.pool.validated.minHeight('blockProposal')).toBe(5);
    expect(f.pool.validated.minHeight('randomBeacon')).toBe(5);
    expect(f.pool.validated.heights('catchUpPackage')).toEqual([10]);
  });
});
