import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { EquivocationProof } from '../types/artifacts.ts';
import { blockSignedBytes } from '../types/signed-bytes.ts';
import { createPurger } from './purger.ts';
import { RoleFixture } from './testing/role-fixture.ts';
import { validateEquivocationProofs } from './validator/equivocation-proof.ts';
import { validateNotarizations } from './validator/notarization.ts';

/** Two blocks of the maker of rank 0 at height 1, and the proof of it. */
function equivocation(f: RoleFixture, edits: Partial<EquivocationProof> = {}) {
  const signer = edits.signer ?? f.maker(1, 0);
  const { context } = f.genesisBlock;
  const blocks = [1n, 2n]
    .map((later) =>
      f.block(f.genesisBlock, 0, { context: { ...context, timeNs: context.timeNs + later } }),
    )
    .sort((a, b) => (a.blockHash < b.blockHash ? -1 : 1));
  const [first, second] = [present(blocks[0], 'a block'), present(blocks[1], 'another block')];
  const sign = (hash: typeof first.blockHash) =>
    f.cryptoOf(signer).signBasic(blockSignedBytes(hash, 1, f.genesis.subnetId));
  const proof = sealArtifact<'equivocationProof'>({
    kind: 'equivocationProof',
    height: 1,
    signer,
    hash1: first.blockHash,
    signature1: sign(first.blockHash),
    hash2: second.blockHash,
    signature2: sign(second.blockHash),
    ...edits,
  });
  return { first, second, proof };
}

describe('equivocation proofs', () => {
  it('CN45: one that holds is taken, a second about the same maker is dropped', () => {
    const f = new RoleFixture();
    const { proof } = equivocation(f);
    f.unvalidated(proof);
    f.apply(f.run(validateEquivocationProofs));
    expect([...f.view.equivocators(1)]).toEqual([f.maker(1, 0)]);
    const swapped = { hash1: proof.hash2, signature1: proof.signature2 };
    const again = { ...proof, ...swapped, hash2: proof.hash1, signature2: proof.signature1 };
    f.unvalidated(sealArtifact<'equivocationProof'>(again));
    expect(f.run(validateEquivocationProofs)).toMatchObject([{ kind: 'removeFromUnvalidated' }]);
  });

  it('CN45: rejects one block twice, a wrong signature, and a signer that is no maker', () => {
    const f = new RoleFixture();
    const { proof } = equivocation(f);
    const makers = [f.maker(1, 0), f.maker(1, 1)];
    const bystander = present(
      f.cryptos.map((crypto) => crypto.nodeId).find((node) => !makers.includes(node)),
      'a node that makes no block',
    );
    const forgeries = [
      { ...proof, hash2: proof.hash1, signature2: proof.signature1 },
      { ...proof, signature2: proof.signature1 },
      { ...proof, signer: f.maker(1, 1) },
      equivocation(f, { signer: bystander }).proof,
    ];
    for (const forged of forgeries) {
      const artifact = f.unvalidated(sealArtifact<'equivocationProof'>(forged));
      expect(f.run(validateEquivocationProofs)).toMatchObject([
        { kind: 'handleInvalid', code: 'BAD_EQUIVOCATION_PROOF' },
      ]);
      f.pool.unvalidated.remove(artifact);
    }
  });

  it('CN38 CN46: a block of a disqualified maker is still accepted once others notarized it', () => {
    const f = new RoleFixture();
    const { first, proof } = equivocation(f);
    f.validated(proof);
    f.unvalidated(f.proposal(first));
    f.unvalidated(f.notarization(first));
    f.apply(f.run(validateNotarizations));
    expect(f.view.isNotarized(1, first.blockHash)).toBe(true);
  });

  it('CN75: goes when its height is finalized', () => {
    const f = new RoleFixture();
    f.validated(equivocation(f).proof);
    const block = f.round(f.genesisBlock);
    expect(f.run(createPurger())).toEqual([]);
    f.validated(f.finalization(block));
    f.apply(f.run(createPurger()));
    expect(f.pool.validated.at('equivocationProof', 1)).toEqual([]);
  });
});
