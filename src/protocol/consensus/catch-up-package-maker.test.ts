import { describe, expect, it } from 'vitest';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block, CatchUpPackage, DkgSummary } from '../types/artifacts.ts';
import { catchUpSignedBytes } from '../types/signed-bytes.ts';
import { makeCatchUpPackageShare } from './catch-up-package-maker.ts';
import { aggregateShares } from './share-aggregator.ts';
import { fakeHash, MS, RoleFixture } from './testing/role-fixture.ts';
import { catchUpContentOf, validateCatchUpPackages } from './validator/catch-up-package.ts';
import { NO_DKG } from '../types/block-codec.ts';

const INTERVAL = 4;

/** A chain with summary blocks every four heights and a finalized tip at `tipHeight`. */
function chainTo(tipHeight: number, tipCertified: number): { f: RoleFixture; summary: Block } {
  const f = new RoleFixture(4, { dkgIntervalLength: INTERVAL - 1 });
  let tip = f.genesisBlock;
  let summary = tip;
  while (tip.height < tipHeight) {
    const height = tip.height + 1;
    const isSummary = height % INTERVAL === 0;
    const next = isSummary ? f.dkg.summaryAfter(tip, 1)?.summary : undefined;
    const certifiedHeight = height === tipHeight ? tipCertified : 0;
    tip = f.round(tip, {
      context: { ...tip.context, timeNs: tip.context.timeNs + 1n, certifiedHeight },
      payload: isSummary
        ? { kind: 'summary', summary: next as never }
        : {
            kind: 'data',
            dkgStartHeight: height - (height % INTERVAL),
            dkg: NO_DKG,
            batch: { ingress: [] },
          },
    });
    if (isSummary) {
      summary = tip;
      f.validated(f.finalization(tip));
    }
  }
  f.validated(f.finalization(tip));
  return { f, summary };
}

/** A package of the fixture's summary block with a real signature. */
function packageOf(f: RoleFixture, summary: Block): CatchUpPackage {
  const beacon = f.view.beaconAt(summary.height);
  const unsigned = {
    kind: 'catchUpPackage',
    height: summary.height,
    block: summary,
    beacon: beacon as never,
    stateHash: fakeHash(9),
    oldestRegistryVersion: null,
    signature: new Uint8Array(1),
  } as const;
  const message = catchUpSignedBytes(catchUpContentOf({ ...unsigned, hash: fakeHash(0) }));
  const shares = f.cryptos.slice(0, 3).map((crypto) => ({
    signer: crypto.nodeId,
    signature: crypto.signThreshold('high', message) as Uint8Array,
  }));
  const outcome = f.cryptoOf(f.self).combineThreshold('high', message, shares);
  const signature = outcome.kind === 'combined' ? outcome.signature : new Uint8Array(1);
  return sealArtifact<'catchUpPackage'>({ ...unsigned, signature });
}

describe('catch-up package maker', () => {
  it('CN55: waits for the checkpoint and for a tip that relies on the summary’s certified state', () => {
    const early = chainTo(6, 3).f;
    early.state.checkpoints.set(INTERVAL, fakeHash(9));
    expect(early.run(makeCatchUpPackageShare)).toEqual([]);
    const { f, summary } = chainTo(6, 4);
    expect(f.run(makeCatchUpPackageShare), 'no checkpoint yet').toEqual([]);
    f.state.checkpoints.set(INTERVAL, fakeHash(9));
    const made = f.run(makeCatchUpPackageShare);
    expect(made).toMatchObject([
      { artifact: { height: INTERVAL, blockHash: summary.blockHash, stateHash: fakeHash(9) } },
    ]);
    f.apply(made);
    expect(f.run(makeCatchUpPackageShare)).toEqual([]);
  });

  it('CN56: n−f shares on the same state make the package; another state does not count', () => {
    const { f } = chainTo(6, 4);
    for (const [i, node] of f.nodes.entries()) {
      expect(f.run(aggregateShares), `${i} shares`).toEqual([]);
      f.self = node;
      f.state.checkpoints.set(INTERVAL, fakeHash(i === 1 ? 8 : 9));
      f.apply(f.run(makeCatchUpPackageShare));
    }
    const made = f.run(aggregateShares);
    expect(made).toMatchObject([
      { artifact: { kind: 'catchUpPackage', height: INTERVAL, stateHash: fakeHash(9) } },
    ]);
    f.apply(made);
    expect(f.view.catchUpPackage().height).toBe(INTERVAL);
  });
});

describe('several summaries without a package', () => {
  it('CN55: the newest is signed first, so that a lost checkpoint holds nobody up', () => {
    const { f } = chainTo(10, 8);
    f.state.checkpoints.set(8, fakeHash(8));
    const made = f.run(makeCatchUpPackageShare);
    expect(made).toMatchObject([{ artifact: { height: 8, stateHash: fakeHash(8) } }]);
    f.apply(made);
    expect(f.run(makeCatchUpPackageShare)).toEqual([]);
    f.state.checkpoints.set(4, fakeHash(4));
    expect(f.run(makeCatchUpPackageShare)).toMatchObject([{ artifact: { height: 4 } }]);
  });
});

describe('catch-up package of a peer', () => {
  it('CN57 CN15: is adopted by a node that is far behind', () => {
    const { f, summary } = chainTo(6, 4);
    const cup = packageOf(f, summary);
    const newcomer = new RoleFixture(4, { dkgIntervalLength: INTERVAL - 1 });
    newcomer.unvalidated(cup);
    newcomer.apply(newcomer.run(validateCatchUpPackages));
    const { view } = newcomer;
    expect(view.catchUpPackage().height).toBe(INTERVAL);
    expect([view.notarizedHeight(), view.finalizedHeight(), view.beaconHeight()]).toEqual([
      4, 4, 4,
    ]);
    expect(newcomer.chain.tip.blockHash).toBe(summary.blockHash);
    expect(view.roundStartNs(INTERVAL + 1)).toBe(newcomer.nowNs);
  });

  it('CN57: with another state hash, signature or key is rejected', () => {
    const { f, summary } = chainTo(6, 4);
    const cup = packageOf(f, summary);
    const ours = (summary.payload as { summary: DkgSummary }).summary;
    const { low, high } = ours.currentTranscripts;
    const theirs = { ...high, key: { ...high.key, publicKey: low.key.publicKey } };
    const currentTranscripts = { low, high: theirs };
    const foreign = {
      ...summary,
      payload: { kind: 'summary', summary: { ...ours, currentTranscripts } },
    };
    for (const [edits, code] of [
      [{ stateHash: fakeHash(1) }, 'BAD_THRESHOLD_SIGNATURE'],
      [{ signature: new Uint8Array(48) }, 'BAD_THRESHOLD_SIGNATURE'],
      [{ block: foreign }, 'UNKNOWN_TRANSCRIPTS'],
    ] as const) {
      const newcomer = new RoleFixture(4, { dkgIntervalLength: INTERVAL - 1 });
      newcomer.unvalidated(sealArtifact<'catchUpPackage'>({ ...cup, ...edits } as never));
      expect(newcomer.run(validateCatchUpPackages)).toMatchObject([
        { kind: 'handleInvalid', code },
      ]);
    }
  });

  it('CN58: is held back while the node holds its blocks and lacks less than a quarter interval of states', () => {
    const f = new RoleFixture(4, { dkgIntervalLength: 39 });
    let tip = f.genesisBlock;
    while (tip.height < 40) {
      const summary = tip.height === 39 ? f.dkg.summaryAfter(tip, 1)?.summary : undefined;
      tip = f.round(tip, {
        context: { ...tip.context, timeNs: tip.context.timeNs + 1n },
        ...(summary && { payload: { kind: 'summary', summary } }),
      });
    }
    f.validated(f.finalization(tip));
    f.unvalidated(packageOf(f, tip));
    for (const [state, isHeldBack] of [
      [30, false],
      [31, false],
      [32, true],
      [39, true],
      [40, false],
    ] as const) {
      f.state.latest = state;
      expect(f.run(validateCatchUpPackages).length, `state ${state}`).toBe(isHeldBack ? 0 : 1);
    }
  });

  it('CN58: is held back for 150 unit delays while the node may still get there by itself', () => {
    const { f, summary } = chainTo(6, 4);
    const cup = packageOf(f, summary);
    const near = chainTo(3, 0).f;
    const arrived = near.nowNs;
    near.unvalidated(cup);
    expect(near.run(validateCatchUpPackages)).toEqual([]);
    expect(near.wakes).toEqual([arrived + 150_000n * MS]);
    near.nowNs = arrived + 150_000n * MS;
    expect(near.run(validateCatchUpPackages)).toMatchObject([{ kind: 'moveToValidated' }]);
  });
});
