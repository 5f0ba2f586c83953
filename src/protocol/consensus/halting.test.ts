import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { makeBlock } from './block-maker.ts';
import { deliverBatches } from './batch-delivery.ts';
import { makeCatchUpPackageShare } from './catch-up-package-maker.ts';
import type { HaltRecord } from './halting.ts';
import { NEVER_HALTS, shouldHalt, subnetStatus } from './halting.ts';
import { lowestFinalized, reach, safetyViolations } from './testing/cluster-checks.ts';
import { MiniCluster } from './testing/mini-cluster.ts';
import { fakeHash, RoleFixture } from './testing/role-fixture.ts';
import { validateBlockPayload } from './validator/block.ts';
import { genesisSummary } from '../dkg/summary.ts';
import { NO_DKG } from '../types/block-codec.ts';

const INTERVAL = 10;
const RUNNING: HaltRecord = {
  isHalted: false,
  haltAtCatchUpPackage: false,
  isOtherReplicaVersion: false,
};

/**
 * A chain of `heights` rounds with a summary every ten blocks; version 2 of the registry is seen
 * by the summary of height 10 and therefore in force from height 20 on.
 */
function chainOf(heights: number, order: Partial<HaltRecord> = {}): RoleFixture {
  const f = new RoleFixture(1, { dkgIntervalLength: INTERVAL - 1 });
  f.haltRegistry = {
    newest: () => RUNNING,
    at: (version) => (version === 2 ? { ...RUNNING, ...order } : RUNNING),
  };
  f.registry.apply([{ ...f.registry.newest(), version: 2 }], 0n);
  let parent = f.genesisBlock;
  for (let height = 1; height <= heights; height += 1) {
    const isSummary = height % INTERVAL === 0;
    const seen = height >= 10 ? 2 : 1;
    const summary = {
      height,
      registryVersion: height >= 20 ? 2 : 1,
      intervalLength: INTERVAL - 1,
      nextIntervalLength: INTERVAL - 1,
      configs: [],
      currentTranscripts: genesisSummary(f.genesis).currentTranscripts,
      nextTranscripts: { low: null, high: null },
    };
    parent = f.round(parent, {
      context: { ...parent.context, registryVersion: seen, timeNs: parent.context.timeNs + 1n },
      payload: isSummary
        ? { kind: 'summary', summary }
        : {
            kind: 'data',
            dkgStartHeight: height - (height % INTERVAL),
            dkg: NO_DKG,
            batch: { ingress: [Uint8Array.of(height)] },
          },
    });
    f.validated(f.finalization(parent));
  }
  return f;
}

describe('the registry version in force', () => {
  it('CN54: is that of the summary, one interval later that of the summary block', () => {
    const f = chainOf(14);
    const at = (height: number) => f.intervals.at(height)?.registryVersion;
    expect([at(1), at(10), at(19)]).toEqual([1, 1, 1]);
    expect([at(20), at(29)]).toEqual([2, 2]);
    expect(at(30), 'said by the summary of height 20 only').toBeUndefined();
  });
});

describe('a subnet that is to halt at a catch-up package', () => {
  const ORDERS = [{ haltAtCatchUpPackage: true }, { isOtherReplicaVersion: true }] as const;

  for (const order of ORDERS) {
    it(`CN63: halts from the summary on at which ${Object.keys(order)[0]} is in force`, () => {
      const f = chainOf(21, order);
      expect(shouldHalt(f.context(), 19)).toBe(false);
      expect(shouldHalt(f.context(), 20)).toBe(true);
      expect(subnetStatus(f.context(), 19)).toBe('running');
      expect(subnetStatus(f.context(), 22)).toBe('halting');
    });
  }

  it('CN63: makes empty blocks', () => {
    const f = chainOf(21, { haltAtCatchUpPackage: true });
    f.payloadBuilder = {
      build: () => ({ ingress: [Uint8Array.of(1)] }),
      validate: () => ({ kind: 'valid' }),
    };
    const [made] = f.run(makeBlock);
    const artifact = made?.kind === 'addToValidated' ? made.artifact : undefined;
    const payload = artifact?.kind === 'blockProposal' ? artifact.block.payload : undefined;
    expect(payload).toMatchObject({ kind: 'data', batch: { ingress: [] } });
  });

  it('CN63: refuses blocks with a payload and takes empty ones', () => {
    const f = chainOf(21, { haltAtCatchUpPackage: true });
    const tip = f.chain.tip;
    const withIngress = (ingress: readonly Uint8Array[]) =>
      f.block(tip, 0, {
        payload: { kind: 'data', dkgStartHeight: 20, dkg: NO_DKG, batch: { ingress } },
      });
    expect(validateBlockPayload(f.context(), withIngress([]))).toEqual({ kind: 'valid' });
    expect(validateBlockPayload(f.context(), withIngress([Uint8Array.of(1)]))).toMatchObject({
      kind: 'invalid',
      code: 'PAYLOAD_WHILE_HALTING',
    });
  });

  it('CN64: executes the summary and nothing after it', () => {
    const f = chainOf(23, { haltAtCatchUpPackage: true });
    for (let height = 1; height <= 23; height += 1) {
      f.validated(f.tape(height));
    }
    f.nextBatchHeight = 18;
    expect(deliverBatches(f.context()).map((batch) => batch.height)).toEqual([18, 19, 20]);
  });

  it('CN55: signs the package although its finalized tip does not rely on the state yet', () => {
    for (const haltAtCatchUpPackage of [true, false]) {
      const f = chainOf(23, { haltAtCatchUpPackage });
      const summary = present(f.chain.blockAt(10), 'the first summary');
      f.validated(f.catchUpPackage(summary, fakeHash(10)));
      f.state.checkpoints.set(20, fakeHash(20));
      expect(f.run(makeCatchUpPackageShare).length).toBe(haltAtCatchUpPackage ? 1 : 0);
    }
  });

  it('CN65: is halted, and makes no block, once its chain relies on the state of that height', () => {
    const f = chainOf(21, { haltAtCatchUpPackage: true });
    const { tip } = f.chain;
    const last = f.round(tip, {
      context: { ...tip.context, certifiedHeight: 20, timeNs: tip.context.timeNs + 1n },
      payload: { kind: 'data', dkgStartHeight: 20, dkg: NO_DKG, batch: { ingress: [] } },
    });
    f.validated(f.finalization(last));
    expect(subnetStatus(f.context(), 23)).toBe('halted');
    f.state.certified = 20;
    expect(f.run(makeBlock)).toEqual([]);
  });

  it('CN66: is neither running nor halting while the version is unknown to this node', () => {
    const f = chainOf(21);
    f.haltRegistry = { newest: () => RUNNING, at: () => undefined };
    expect(subnetStatus(f.context(), 22)).toBeUndefined();
    expect(f.run(makeBlock)).toEqual([]);
    const block = f.block(f.chain.tip, 0, {
      payload: { kind: 'data', dkgStartHeight: 20, dkg: NO_DKG, batch: { ingress: [] } },
    });
    expect(validateBlockPayload(f.context(), block)).toEqual({ kind: 'undecided' });
  });
});

describe('is_halted', () => {
  it('CN62: stops all of consensus at once and lets it go on when it is lifted', () => {
    let isHalted = false;
    const haltRegistry = { ...NEVER_HALTS, newest: () => ({ ...RUNNING, isHalted }) };
    const cluster = new MiniCluster({ nodes: 4, haltRegistry });
    expect(reach(cluster, 12)).toBe(true);
    isHalted = true;
    cluster.runUntil(() => false, 5_000);
    const stopped = lowestFinalized(cluster);
    const batches = cluster.nodes.map((node) => node.batches.length);
    expect(reach(cluster, stopped + 1, 60_000)).toBe(false);
    expect(cluster.nodes.map((node) => node.batches.length)).toEqual(batches);
    for (const node of cluster.nodes) {
      expect(node.consensus.status().certified, 'certification goes on').toBe(node.state.latest);
    }
    isHalted = false;
    for (const node of cluster.nodes) {
      node.wakeNs = cluster.nowNs;
    }
    expect(reach(cluster, stopped + 10)).toBe(true);
    expect(safetyViolations(cluster)).toEqual([]);
  });
});
