import { canisterIdFromU64 } from '../../crypto/principal.ts';
import { PAGE_BYTES, type DirtyPage } from '../../interfaces/wasm-host.ts';
import {
  createCanisterState,
  DEFAULT_SETTINGS,
  type CanisterState,
} from '../../replicated-state/canister-state.ts';
import { emptyIngressHistory } from '../../replicated-state/ingress-history.ts';
import { PageMap } from '../../replicated-state/page-map.ts';
import { NO_QUERY_STATS } from '../../replicated-state/query-stats-state.ts';
import { RadixMap } from '../../replicated-state/radix-map.ts';
import { NO_METRICS, type ReplicatedState } from '../../replicated-state/replicated-state.ts';
import { EMPTY_SCHEDULE } from '../../replicated-state/schedule.ts';
import { NO_OUTBOUND } from '../../replicated-state/streams.ts';
import type { HashHex, PrincipalId, SubnetId } from '../../types/ids.ts';

/** States with much memory, for tests. */

/** A page that no other seed has. */
export function pageOf(seed: number): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < PAGE_BYTES; at += 8) {
    view.setUint32(at, seed);
    view.setUint32(at + 4, Math.imul(seed + at, 0x9e3779b1));
  }
  return bytes;
}

export function canisterWith(id: number, heap: PageMap, heapWasmPages: number): CanisterState {
  return {
    ...createCanisterState({
      height: 0,
      canisterId: canisterIdFromU64(BigInt(id)),
      controllers: ['04' as PrincipalId],
      cycles: 7n,
      settings: DEFAULT_SETTINGS,
      timeNs: 5n,
      creator: { kind: 'user', userId: '04' as PrincipalId },
    }),
    execution: {
      moduleHash: 'ab'.repeat(32) as HashHex,
      wasm: Uint8Array.of(0, 97, 115, 109, id),
      exports: ['canister_update inc'],
      customSections: [],
      memory64: false,
      globals: [],
      heapWasmPages,
      heap,
      stableWasmPages: 0,
      stable: PageMap.empty,
      memoryVersion: 1,
    },
  };
}

/** Pages from `first` on, each with a content of its own. */
export function pages(first: number, count: number, salt = 0): readonly DirtyPage[] {
  return Array.from({ length: count }, (_, i) => ({
    index: first + i,
    bytes: pageOf(salt + first + i + 1),
  }));
}

export function stateWith(height: number, canisters: readonly CanisterState[]): ReplicatedState {
  return {
    height,
    timeNs: BigInt(height),
    previousRoot: null,
    subnetId: '0102' as SubnetId,
    canisters: canisters.reduce(
      (map, canister) => map.set(canister.canisterId, canister),
      RadixMap.empty<CanisterState>(),
    ),
    ingressHistory: emptyIngressHistory(),
    subnetQueue: [],
    randomRequests: [],
    registry: null,
    topology: null,
    ...NO_OUTBOUND,
    canisterIds: { ranges: [[0n, 1023n]], next: 3n },
    schedule: EMPTY_SCHEDULE,
    queryStats: NO_QUERY_STATS,
    metrics: NO_METRICS,
    nodeMetrics: [],
    atCheckpoint: RadixMap.empty(),
  };
}
