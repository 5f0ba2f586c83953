import { describe, expect, it } from 'vitest';
import { matters } from './share-matters.ts';
import { RoleFixture } from './testing/role-fixture.ts';

describe('what a node polls for', () => {
  it('CN39: a notarization share matters once there may be enough, and no more when the round is decided', () => {
    const f = new RoleFixture();
    const block = f.block(f.genesisBlock);
    f.validated(f.proposal(block));
    const seen: boolean[] = [];
    for (const node of f.nodes.slice(1)) {
      const share = f.notarizationShare(block, node);
      f.unvalidated(share, node);
      seen.push(matters(share, f.context()));
    }
    expect(seen).toEqual([false, false, true]);
    expect(matters(f.proposal(block), f.context())).toBe(true);
    f.validated(f.notarization(block));
    const late = f.notarizationShare(block, f.nodes[1] as never);
    expect(matters(late, f.context())).toBe(false);
  });

  it('CN39: shares of a later round wait for it', () => {
    const f = new RoleFixture();
    const first = f.block(f.genesisBlock);
    const second = f.block(first);
    const shares = f.nodes.map((node) => f.notarizationShare(second, node));
    for (const share of shares) {
      f.unvalidated(share, share.signer);
    }
    expect(shares.some((share) => matters(share, f.context()))).toBe(false);
    f.validated(f.proposal(first));
    f.validated(f.notarization(first));
    expect(shares.every((share) => matters(share, f.context()))).toBe(true);
  });
});
