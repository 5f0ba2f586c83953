import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { assert } from '../../base/assert.ts';
import { bytesToHex } from '../../base/hex.ts';
import { canonicalState, type SubnetTopology } from '../canonical-state/canonical-state.ts';
import { digest, EMPTY_MAP } from '../crypto/labeled-tree.ts';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import { PAGE_BYTES } from '../interfaces/wasm-host.ts';
import {
  createCanisterState,
  DEFAULT_SETTINGS,
  type CanisterState,
} from '../replicated-state/canister-state.ts';
import {
  emptyIngressHistory,
  withIngressStatus,
  type IngressStatus,
} from '../replicated-state/ingress-history.ts';
import { emptyPageMap } from '../replicated-state/page-map.ts';
import { RadixMap } from '../replicated-state/radix-map.ts';
import { NO_METRICS, type ReplicatedState } from '../replicated-state/replicated-state.ts';
import { EMPTY_SCHEDULE } from '../replicated-state/schedule.ts';
import { NO_OUTBOUND } from '../replicated-state/streams.ts';
import type { HashHex, MessageId, PrincipalId, SubnetId } from '../types/ids.ts';
import { makeCheckpoint } from './checkpoint.ts';
import { restoreCheckpoint } from './restore-checkpoint.ts';
import { createStateManager } from './state-manager.ts';

const SIGNATURE = new Uint8Array(48);
const topology: SubnetTopology = {
  subnetId: '0102' as SubnetId,
  subnet: EMPTY_MAP,
  subnets: EMPTY_MAP,
  canisterRanges: EMPTY_MAP,
};
const genesis: ReplicatedState = {
  height: 0,
  timeNs: 1_000n,
  previousRoot: null,
  subnetId: topology.subnetId,
  canisters: RadixMap.empty(),
  ingressHistory: emptyIngressHistory(),
  subnetQueue: [],
  randomRequests: [],
  registry: null,
  topology: null,
  ...NO_OUTBOUND,
  canisterIds: { ranges: [[0n, 1023n]], next: 3n },
  schedule: EMPTY_SCHEDULE,
  queryStats: { nextEpoch: 0, reports: [] },
  metrics: NO_METRICS,
  nodeMetrics: [],
  atCheckpoint: RadixMap.empty(),
};

function canister(n: number, seed: number): CanisterState {
  const canisterId = canisterIdFromU64(BigInt(n));
  const state = createCanisterState({
    height: 0,
    canisterId,
    controllers: [`0${seed % 10}` as PrincipalId],
    cycles: BigInt(seed) << 70n,
    settings: { ...DEFAULT_SETTINGS, logVisibility: { kind: 'allowedViewers', viewers: [] } },
    timeNs: 5n,
    creator: { kind: 'user', userId: '04' as PrincipalId },
  });
  if (seed % 3 === 0) {
    return state;
  }
  const bytes = new Uint8Array(PAGE_BYTES).fill(seed % 255);
  return {
    ...state,
    certifiedData: Uint8Array.of(seed % 255),
    execution: {
      moduleHash: 'ab'.repeat(32) as HashHex,
      wasm: Uint8Array.of(0, seed % 255),
      exports: ['canister_update inc'],
      customSections: [{ name: 'candid:service', visibility: 'public', content: Uint8Array.of(1) }],
      memory64: seed % 2 === 0,
      globals: [{ type: 'i64', bits: BigInt(seed) }],
      heapWasmPages: 1,
      heap: emptyPageMap().with([{ index: seed % 16, bytes }]),
      stableWasmPages: 2,
      stable: emptyPageMap().with([{ index: 17, bytes }]),
      memoryVersion: seed,
    },
  };
}

const STATUSES: readonly IngressStatus[] = [
  { kind: 'received' },
  { kind: 'replied', reply: Uint8Array.of(1, 2) },
  { kind: 'rejected', errorCode: 503, message: 'no' },
];

type Step = readonly (
  | readonly ['canister', number, number]
  | readonly ['delete', number]
  | readonly ['status', number, number]
)[];

function applyStep(state: ReplicatedState, step: Step): ReplicatedState {
  let { canisters, ingressHistory } = state;
  for (const change of step) {
    if (change[0] === 'canister') {
      const next = canister(change[1], change[2]);
      canisters = canisters.set(next.canisterId, next);
    } else if (change[0] === 'delete') {
      canisters = canisters.delete(canisterIdFromU64(BigInt(change[1])));
    } else {
      const id = change[1].toString(16).padStart(64, '0') as MessageId;
      const known = ingressHistory.entries.get(id)?.status.kind;
      const status = STATUSES[change[2]];
      if (status !== undefined && (known === undefined || known === 'received')) {
        const entry = {
          status,
          sender: '04' as PrincipalId,
          effectiveCanisterId: '' as PrincipalId,
          timeNs: state.timeNs,
        };
        ingressHistory = withIngressStatus(ingressHistory, id, entry);
      }
    }
  }
  const metrics = { ...state.metrics, updateTransactions: state.metrics.updateTransactions + 1n };
  return {
    ...state,
    height: state.height + 1,
    timeNs: state.timeNs + 1n,
    canisters,
    ingressHistory,
    metrics,
  };
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.array(
    fc.oneof(
      fc.tuple(fc.constant('canister' as const), fc.nat(20), fc.nat(1000)),
      fc.tuple(fc.constant('delete' as const), fc.nat(20)),
      fc.tuple(fc.constant('status' as const), fc.nat(30), fc.nat(2)),
    ),
    { maxLength: 8 },
  ),
  { minLength: 1, maxLength: 12 },
);

describe('state manager', () => {
  test.prop([steps])('gives the root that a tree built from nothing has', (history) => {
    const manager = createStateManager(() => topology, genesis);
    for (const step of history) {
      const root = manager.commit(applyStep(manager.latestState(), step), false);
      const scratch = canonicalState(topology, manager.latestState(), undefined);
      expect(bytesToHex(digest(scratch.tree))).toBe(root);
    }
  });

  test.prop([steps], { numRuns: 25 })(
    'restores from a checkpoint what was saved, and goes on alike',
    (history) => {
      const manager = createStateManager(() => topology, genesis);
      for (const step of history) {
        manager.commit(applyStep(manager.latestState(), step), true);
      }
      const saved = manager.latestCheckpoint();
      assert(saved !== undefined, 'a checkpoint was made');
      const restored = restoreCheckpoint(saved.hash, saved.encodedManifest, {
        chunk: (hash) => saved.chunk(hash)?.slice(),
        isVerified: false,
      });
      assert(restored.ok, 'the checkpoint is complete');
      const { state } = restored.value;
      expect(makeCheckpoint(state).hash).toBe(saved.hash);
      const twin = createStateManager(() => topology, state, restored.value);
      expect(twin.stateRootAt(saved.height)).toBe(manager.stateRootAt(saved.height));
      const next: Step = [['canister', 3, 77]];
      const root = manager.commit(applyStep(manager.latestState(), next), true);
      expect(twin.commit(applyStep(twin.latestState(), next), true)).toBe(root);
      expect(twin.latestCheckpoint()?.hash).toBe(manager.latestCheckpoint()?.hash);
    },
  );

  it('CN71: certifies only the root it computed, and only forward', () => {
    const manager = createStateManager(() => topology, genesis);
    const roots = [1, 2, 3].map((n) =>
      manager.commit(applyStep(manager.latestState(), [['canister', n, n]]), false),
    );
    expect(manager.latestCertified()).toBeUndefined();
    expect(manager.deliverCertification(2, roots[0] as HashHex, SIGNATURE)).toBe('diverged');
    expect(manager.deliverCertification(9, roots[0] as HashHex, SIGNATURE)).toBe('notNeeded');
    expect(manager.deliverCertification(2, roots[1] as HashHex, SIGNATURE)).toBe('accepted');
    expect(manager.deliverCertification(1, roots[0] as HashHex, SIGNATURE)).toBe('notNeeded');
    expect(manager.latestCertifiedHeight()).toBe(2);
    expect(manager.latestCertified()?.state.canisters.size).toBe(2);
  });

  it('keeps the certified and the newest state when it purges, and roots longer than states', () => {
    const manager = createStateManager(() => topology, genesis);
    const roots = Array.from({ length: 40 }, () =>
      manager.commit(applyStep(manager.latestState(), []), false),
    );
    manager.deliverCertification(30, roots[29] as HashHex, SIGNATURE);
    expect(manager.stateAt(5)).toBeUndefined();
    expect(manager.stateRootAt(5)).toBe(roots[4]);
    manager.purgeBelow(40);
    expect([
      manager.stateAt(30)?.height,
      manager.stateAt(40)?.height,
      manager.stateAt(35)?.height,
    ]).toEqual([30, 40, undefined]);
    expect(manager.oldestHeight()).toBe(30);
  });

  it('keeps the checkpoint of the catch-up package, however many came after it', () => {
    const manager = createStateManager(() => topology, genesis);
    const heights = (): readonly number[] => manager.checkpoints().map(({ height }) => height);
    const checkpoint = (): void => {
      manager.commit(applyStep(manager.latestState(), []), true);
      while (manager.hasWork()) {
        manager.work();
      }
    };
    checkpoint();
    manager.needCheckpointsFrom(1);
    for (let count = 0; count < 3; count += 1) {
      checkpoint();
    }
    expect(heights()).toEqual([1, 2, 3, 4]);
    manager.needCheckpointsFrom(4);
    expect(heights()).toEqual([3, 4]);
  });
});
