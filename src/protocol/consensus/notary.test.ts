import { describe, expect, it } from 'vitest';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { NodeId } from '../types/ids.ts';
import { finalizationSignedBytes } from '../types/signed-bytes.ts';
import { notaryStop } from './bounds.ts';
import { finalize } from './finalizer.ts';
import { notarize } from './notary.ts';
import { fakeHash, MS, RoleFixture } from './testing/role-fixture.ts';

const isMaker = (f: RoleFixture, node: NodeId): boolean =>
  f.membership.blockMakers(1)?.includes(node) === true;

describe('notary', () => {
  it('CN22 CN23: signs rank 0 after the initial delay, rank 1 a unit delay later', () => {
    const f = new RoleFixture();
    f.self = f.nodes.find((node) => !isMaker(f, node)) as NodeId;
    const start = f.nowNs;
    const second = f.validated(f.proposal(f.block(f.genesisBlock, 1)));
    expect(f.run(notarize)).toEqual([]);
    expect(f.wakes).toEqual([start + 1100n * MS]);
    const first = f.validated(f.proposal(f.block(f.genesisBlock, 0)));
    f.nowNs = start + 100n * MS - 1n;
    expect(f.run(notarize)).toEqual([]);
    f.nowNs = start + 100n * MS;
    const made = f.run(notarize);
    expect(made).toHaveLength(1);
    expect(made[0]).toMatchObject({
      artifact: { kind: 'notarizationShare', blockHash: first.block.blockHash, signer: f.self },
    });
    f.apply(made);
    f.nowNs = start + 60_000n * MS;
    expect(f.run(notarize), 'never again, never the higher rank').toEqual([]);
    expect(second.block.rank).toBe(1);
  });

  it('CN20: signs its own block no sooner than others accept its time', () => {
    const f = new RoleFixture();
    f.self = f.maker(1, 0);
    const start = f.nowNs;
    f.validated(f.proposal(f.block(f.genesisBlock)));
    f.nowNs = start + 100n * MS;
    expect(f.run(notarize)).toEqual([]);
    expect(f.wakes).toEqual([start + 100n * MS + 1n]);
    f.nowNs += 1n;
    expect(f.run(notarize)).toHaveLength(1);
  });

  it('CN24: signs a lower rank that came late after a higher one, not the reverse', () => {
    const f = new RoleFixture();
    f.validated(f.proposal(f.block(f.genesisBlock, 1)));
    f.nowNs += 1100n * MS;
    f.apply(f.run(notarize));
    const late = f.validated(f.proposal(f.block(f.genesisBlock, 0)));
    expect(f.run(notarize)).toMatchObject([{ artifact: { blockHash: late.block.blockHash } }]);
  });

  it('CN46: skips the blocks of a maker that equivocated', () => {
    const f = new RoleFixture();
    f.nowNs += 5000n * MS;
    const bad = f.validated(f.proposal(f.block(f.genesisBlock, 0)));
    const good = f.validated(f.proposal(f.block(f.genesisBlock, 1)));
    f.validated(
      sealArtifact<'equivocationProof'>({
        kind: 'equivocationProof',
        height: 1,
        signer: bad.signer,
        hash1: fakeHash(1),
        signature1: new Uint8Array(1),
        hash2: fakeHash(2),
        signature2: new Uint8Array(1),
      }),
    );
    f.nowNs += 5000n * MS;
    expect(f.run(notarize)).toMatchObject([{ artifact: { blockHash: good.block.blockHash } }]);
  });

  it('CN24: signs the next rank when the maker of the block it signed turns out to have equivocated', () => {
    const f = new RoleFixture();
    f.nowNs += 5000n * MS;
    const split = f.validated(f.proposal(f.block(f.genesisBlock, 0)));
    const next = f.validated(f.proposal(f.block(f.genesisBlock, 1)));
    f.apply(f.run(notarize));
    expect(f.run(notarize)).toEqual([]);
    f.validated(
      sealArtifact<'equivocationProof'>({
        kind: 'equivocationProof',
        height: 1,
        signer: split.signer,
        hash1: fakeHash(1),
        signature1: new Uint8Array(1),
        hash2: fakeHash(2),
        signature2: new Uint8Array(1),
      }),
    );
    expect(f.run(notarize)).toMatchObject([{ artifact: { blockHash: next.block.blockHash } }]);
  });

  it('CN26: stays silent after its own finalization share at that height', () => {
    const f = new RoleFixture();
    f.validated(f.proposal(f.block(f.genesisBlock)));
    f.nowNs += 5000n * MS;
    f.validated(
      sealArtifact<'finalizationShare'>({
        kind: 'finalizationShare',
        height: 1,
        blockHash: fakeHash(1),
        signer: f.self,
        signature: f.cryptoOf(f.self).signMulti(finalizationSignedBytes(1, fakeHash(1))),
      }),
    );
    expect(f.run(notarize)).toEqual([]);
  });

  it('CN5: stays silent outside the committee', () => {
    const f = new RoleFixture(6);
    f.validated(f.proposal(f.block(f.genesisBlock)));
    f.nowNs += 5000n * MS;
    const committee = f.membership.committee(1) ?? [];
    expect(committee).toHaveLength(4);
    for (const node of f.nodes) {
      f.self = node;
      expect(f.run(notarize).length, node).toBe(committee.includes(node) ? 1 : 0);
    }
  });

  it('CN25: stops when certification or catch-up packages fall too far behind', () => {
    const f = new RoleFixture(1);
    let tip = f.genesisBlock;
    for (let height = 1; height < 7; height += 1) {
      tip = f.round(tip);
      expect(notaryStop(f.context())).toBe(null);
    }
    tip = f.round(tip);
    expect(notaryStop(f.context())).toBe('certificationGap');
    f.nowNs += 600_000n * MS;
    f.validated(f.proposal(f.block(tip)));
    expect(f.run(notarize)).toEqual([]);
    f.state.certified = 6;
    expect(f.run(notarize)).toHaveLength(1);
    while (tip.height < 10 + 13) {
      expect(notaryStop(f.context())).toBe(null);
      const summary = tip.height === 9 ? f.dkg.summaryAfter(tip, 1)?.summary : undefined;
      tip = f.round(tip, summary && { payload: { kind: 'summary', summary } });
      f.validated(f.finalization(tip));
      f.state.certified = tip.height;
    }
    expect(notaryStop(f.context())).toBe('catchUpGap');
  });
});

describe('finalizer', () => {
  it('CN28: signs the only notarized block of a height, once', () => {
    const f = new RoleFixture();
    const tip = f.round(f.round(f.genesisBlock));
    const made = f.run(finalize);
    expect(made).toMatchObject([
      { artifact: { height: 1, blockHash: tip.parent } },
      { artifact: { height: 2, blockHash: tip.blockHash } },
    ]);
    f.apply(made);
    expect(f.run(finalize)).toEqual([]);
  });

  it('CN28: signs nothing at a height with two notarized blocks', () => {
    const f = new RoleFixture();
    f.round(f.genesisBlock);
    const other = f.block(f.genesisBlock, 1);
    f.validated(f.proposal(other));
    f.validated(f.notarization(other));
    expect(f.run(finalize)).toEqual([]);
  });

  it('CN28: signs nothing when it supported another block at that height', () => {
    const f = new RoleFixture();
    f.validated(f.notarizationShare(f.block(f.genesisBlock, 1), f.self));
    f.round(f.genesisBlock);
    expect(f.run(finalize)).toEqual([]);
  });
});
