import { describe, expect, it } from 'vitest';
import type { Block } from '../types/artifacts.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import { randomTapeSignedBytes } from '../types/signed-bytes.ts';
import { aggregateShares } from './share-aggregator.ts';
import { RoleFixture } from './testing/role-fixture.ts';

/** A fixture with a valid block of round 1 and shares of the first `count` committee members. */
function withShares(count: number): { f: RoleFixture; block: Block } {
  const f = new RoleFixture();
  const block = f.block(f.genesisBlock);
  f.validated(f.proposal(block));
  for (const node of f.nodes.slice(0, count)) {
    const share = f.notarizationShare(block, node);
    if (node === f.self) {
      f.validated(share);
    } else {
      f.unvalidated(share, node);
    }
  }
  return { f, block };
}

describe('share aggregator', () => {
  it('CN39 CN40: needs 2f+1 notarization shares and verifies only their aggregate', () => {
    expect(withShares(2).f.run(aggregateShares)).toEqual([]);
    const { f, block } = withShares(3);
    const before = f.cryptoOf(f.self).counters().blsVerify;
    const [made] = f.run(aggregateShares);
    expect(made).toMatchObject({
      kind: 'addToValidated',
      artifact: {
        kind: 'notarization',
        blockHash: block.blockHash,
        signers: f.nodes.slice(0, 3),
      },
    });
    expect(f.cryptoOf(f.self).counters().blsVerify - before).toBe(1);
  });

  it('CN40: names the liar and succeeds without it', () => {
    const { f, block } = withShares(2);
    const liar = f.nodes[2] as never;
    const lie = { ...f.notarizationShare(block, liar), signature: new Uint8Array(48) };
    f.unvalidated(sealArtifact<'notarizationShare'>(lie), liar);
    f.unvalidated(f.notarizationShare(block, f.nodes[3] as never));
    const first = f.run(aggregateShares);
    expect(first).toMatchObject([
      { kind: 'handleInvalid', code: 'BAD_SIGNATURE_SHARE', artifact: { signer: liar } },
    ]);
    f.apply(first);
    expect(f.run(aggregateShares)).toMatchObject([{ artifact: { kind: 'notarization' } }]);
  });

  it('CN5: throws out signers that are not in the committee', () => {
    const f = new RoleFixture(6);
    const block = f.block(f.genesisBlock);
    f.validated(f.proposal(block));
    const committee = f.membership.committee(1) ?? [];
    for (const node of f.nodes) {
      f.unvalidated(f.notarizationShare(block, node), node);
    }
    const rejected = f.run(aggregateShares);
    expect(rejected).toHaveLength(2);
    for (const action of rejected) {
      expect(action).toMatchObject({ kind: 'handleInvalid', code: 'SIGNER_NOT_IN_COMMITTEE' });
    }
    f.apply(rejected);
    const [made] = f.run(aggregateShares);
    expect(made).toMatchObject({ artifact: { kind: 'notarization' } });
    expect(committee).toHaveLength(4);
  });

  it('CN40: waits while a peer’s aggregate is still to be checked', () => {
    const { f, block } = withShares(3);
    f.unvalidated(f.notarization(block));
    expect(f.run(aggregateShares)).toEqual([]);
  });

  it('CN22: does not notarize a block it has not validated', () => {
    const f = new RoleFixture();
    const block = f.block(f.genesisBlock);
    f.unvalidated(f.proposal(block));
    for (const node of f.nodes) {
      f.unvalidated(f.notarizationShare(block, node), node);
    }
    expect(f.run(aggregateShares)).toEqual([]);
  });

  it('CN13: makes a tape of f+1 shares', () => {
    const f = new RoleFixture();
    for (const [i, node] of f.nodes.slice(0, 2).entries()) {
      expect(f.run(aggregateShares)).toEqual([]);
      const signature = f.cryptoOf(node).signThreshold('low', randomTapeSignedBytes(1));
      f.unvalidated(
        sealArtifact<'randomTapeShare'>({
          kind: 'randomTapeShare',
          height: 1,
          signer: node,
          signature: signature as Uint8Array,
        }),
        node,
      );
      expect(i).toBeLessThan(2);
    }
    expect(f.run(aggregateShares)).toMatchObject([{ artifact: { kind: 'randomTape', height: 1 } }]);
  });
});
