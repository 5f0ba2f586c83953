import { describe, expect, it } from 'vitest';
import { fakeHash, RoleFixture } from '../consensus/testing/role-fixture.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Certification } from '../types/artifacts.ts';
import type { HashHex } from '../types/ids.ts';
import { certificationSignedBytes } from '../types/signed-bytes.ts';
import {
  aggregateCertifications,
  divergedHeight,
  makeCertificationShares,
  newCertifications,
  validateCertifications,
} from './certifier.ts';

function executed(f: RoleFixture, upTo: number): void {
  for (let height = 1; height <= upTo; height += 1) {
    f.state.roots.set(height, fakeHash(100 + height));
  }
  f.state.latest = upTo;
}

function certificationOf(f: RoleFixture, height: number, root: HashHex): Certification {
  const message = certificationSignedBytes(root);
  const shares = f.cryptos.slice(0, 3).map((crypto) => ({
    signer: crypto.nodeId,
    signature: crypto.signThreshold('high', message) as Uint8Array,
  }));
  const outcome = f.cryptoOf(f.self).combineThreshold('high', message, shares);
  const signature = outcome.kind === 'combined' ? outcome.signature : new Uint8Array(1);
  return sealArtifact<'certification'>({ kind: 'certification', height, root, signature });
}

describe('certifier', () => {
  it('CN68: signs each executed height above the certified one, once', () => {
    const f = new RoleFixture();
    expect(f.run(makeCertificationShares)).toEqual([]);
    executed(f, 3);
    f.state.certified = 1;
    const made = f.run(makeCertificationShares);
    expect(made).toMatchObject([
      { artifact: { kind: 'certificationShare', height: 2, root: fakeHash(102) } },
      { artifact: { height: 3, root: fakeHash(103) } },
    ]);
    f.apply(made);
    expect(f.run(makeCertificationShares)).toEqual([]);
  });

  it('CN69: n−f equal shares certify; shares on another root do not count', () => {
    const f = new RoleFixture();
    const own = f.self;
    executed(f, 1);
    for (const [i, node] of f.nodes.entries()) {
      f.self = node;
      f.state.roots.set(1, fakeHash(i === 3 ? 666 : 101));
      for (const action of f.run(makeCertificationShares)) {
        if (action.kind === 'addToValidated') {
          f.unvalidated(action.artifact, node);
        }
      }
      f.self = own;
      f.state.roots.set(1, fakeHash(101));
      expect(f.run(aggregateCertifications)).toHaveLength(i < 2 ? 0 : 1);
    }
    f.apply(f.run(aggregateCertifications));
    expect(newCertifications(f.context())).toMatchObject([{ height: 1, root: fakeHash(101) }]);
    f.state.certified = 1;
    expect(newCertifications(f.context())).toEqual([]);
  });

  it('CN70: takes over a peer’s certification once it has computed the same root itself', () => {
    const f = new RoleFixture();
    f.unvalidated(certificationOf(f, 1, fakeHash(101)));
    expect(f.run(validateCertifications)).toEqual([]);
    executed(f, 1);
    expect(f.run(aggregateCertifications), 'waits for the check').toEqual([]);
    expect(f.run(validateCertifications)).toMatchObject([{ kind: 'moveToValidated' }]);
  });

  it('CN60: a replayed state that differs from a stored certification is a divergence', () => {
    const f = new RoleFixture();
    f.validated(certificationOf(f, 1, fakeHash(101)));
    f.validated(certificationOf(f, 2, fakeHash(7)));
    expect(divergedHeight(f.context()), 'nothing executed yet').toBeUndefined();
    executed(f, 2);
    expect(divergedHeight(f.context())).toEqual({
      height: 2,
      own: fakeHash(102),
      certified: fakeHash(7),
    });
    expect(newCertifications(f.context())).toMatchObject([{ height: 1 }]);
  });

  it('CN70: a forged one and one on another root are rejected: its height is not signed', () => {
    const f = new RoleFixture();
    executed(f, 1);
    const forged = { ...certificationOf(f, 1, fakeHash(101)), root: fakeHash(5) };
    const rejected = f.unvalidated(sealArtifact<'certification'>(forged));
    expect(f.run(validateCertifications)).toMatchObject([{ code: 'BAD_THRESHOLD_SIGNATURE' }]);
    f.pool.unvalidated.remove(rejected);
    f.unvalidated(certificationOf(f, 1, fakeHash(7)));
    expect(f.run(validateCertifications)).toMatchObject([{ code: 'CERTIFIED_ROOT_DIFFERS' }]);
  });
});
