import type { CallerInfo, GlobalValue, MemoryVersion } from '../interfaces/wasm-host.ts';
import type {
  CanisterId,
  Cycles,
  HashHex,
  Height,
  MessageId,
  PrincipalId,
  TimeNs,
} from '../types/ids.ts';
import {
  DEFAULT_FREEZING_THRESHOLD_SECONDS,
  DEFAULT_RESERVED_CYCLES_LIMIT,
  DEFAULT_WASM_MEMORY_LIMIT_BYTES,
} from '../limits/execution.ts';
import {
  NO_CALLS,
  type CallContextManager,
  type InputQueue,
  type OutputQueue,
  type StopRequest,
} from './canister-messages.ts';
import { NOTHING_CONSUMED, type ConsumedCycles } from './consumed-cycles.ts';
import { EMPTY_CHUNK_STORE, type ChunkStore } from './chunk-store.ts';
import { NO_QUERIES, type QueryCounts } from '../types/query-stats.ts';
import type { PageMap } from './page-map.ts';
import type { LongExecution, ScheduledMethod } from './schedule.ts';
import type { CanisterSnapshot } from './snapshots.ts';

/** What a subnet keeps of one canister. Records are never changed in place. */

/** In the order in which they take turns. */
export const INPUT_SOURCES = ['ingress', 'remote', 'local'] as const;
/** Users, canisters of other subnets, canisters of this one. */
export type InputSource = (typeof INPUT_SOURCES)[number];

export type CanisterStatus = 'running' | 'stopping' | 'stopped';

/** Who besides the controllers may look at something. */
export type Visibility =
  | { readonly kind: 'controllers' }
  | { readonly kind: 'public' }
  | { readonly kind: 'allowedViewers'; readonly viewers: readonly PrincipalId[] };

export interface CanisterSettings {
  /** Percent of one execution core, 0–100. */
  readonly computeAllocation: bigint;
  readonly memoryAllocationBytes: bigint;
  readonly freezingThresholdSeconds: bigint;
  readonly reservedCyclesLimit: Cycles;
  readonly wasmMemoryLimitBytes: bigint;
  readonly wasmMemoryThresholdBytes: bigint;
  readonly logVisibility: Visibility;
  readonly snapshotVisibility: Visibility;
  readonly statusVisibility: Visibility;
  /** Calls of other canisters with fewer cycles are rejected. */
  readonly minimumIncomingCallCycles: Cycles;
  readonly environmentVariables: readonly (readonly [name: string, value: string])[];
}

export const DEFAULT_SETTINGS: CanisterSettings = {
  computeAllocation: 0n,
  memoryAllocationBytes: 0n,
  freezingThresholdSeconds: DEFAULT_FREEZING_THRESHOLD_SECONDS,
  reservedCyclesLimit: DEFAULT_RESERVED_CYCLES_LIMIT,
  wasmMemoryLimitBytes: DEFAULT_WASM_MEMORY_LIMIT_BYTES,
  wasmMemoryThresholdBytes: 0n,
  logVisibility: { kind: 'controllers' },
  snapshotVisibility: { kind: 'controllers' },
  statusVisibility: { kind: 'controllers' },
  minimumIncomingCallCycles: 0n,
  environmentVariables: [],
};

export interface CustomSection {
  readonly name: string;
  readonly visibility: 'public' | 'private';
  readonly content: Uint8Array;
}

/** An installed module and its memories. */
export interface ExecutionState {
  readonly moduleHash: HashHex;
  /** The module as the user uploaded it, perhaps compressed. */
  readonly wasm: Uint8Array;
  readonly exports: readonly string[];
  readonly customSections: readonly CustomSection[];
  readonly memory64: boolean;
  readonly globals: readonly GlobalValue[];
  readonly heapWasmPages: number;
  readonly heap: PageMap;
  readonly stableWasmPages: number;
  readonly stable: PageMap;
  /** Host-local name of this memory content: not part of the state that nodes agree on. */
  readonly memoryVersion: MemoryVersion;
}

/** A user's call waiting for execution. */
export interface IngressMessage {
  readonly messageId: MessageId;
  readonly sender: PrincipalId;
  readonly canisterId: CanisterId;
  readonly effectiveCanisterId: PrincipalId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly expiryNs: TimeNs;
  /** Of the caller, if a canister vouches for it. */
  readonly callerInfo?: CallerInfo | undefined;
}

export type ChangeDetails =
  | {
      readonly kind: 'creation';
      readonly controllers: readonly PrincipalId[];
      /** Of the variables named at creation; null when none were. */
      readonly environmentHash: HashHex | null;
    }
  | { readonly kind: 'codeUninstall' }
  | {
      readonly kind: 'codeDeployment';
      readonly mode: 'install' | 'reinstall' | 'upgrade';
      readonly moduleHash: HashHex;
    }
  | {
      readonly kind: 'loadSnapshot';
      /** As hex. */
      readonly snapshotId: string;
      /** Of the canister the snapshot is of, when it came into being. */
      readonly canisterVersion: bigint;
      readonly takenAtNs: TimeNs;
      readonly source: CanisterSnapshot['source'];
      /** Null when it was the canister's own snapshot. */
      readonly fromCanisterId: CanisterId | null;
    }
  | { readonly kind: 'controllersChange'; readonly controllers: readonly PrincipalId[] };

/** Who made a change. */
export type ChangeOrigin =
  | { readonly kind: 'user'; readonly userId: PrincipalId }
  | {
      readonly kind: 'canister';
      readonly canisterId: PrincipalId;
      /** As the caller stated it. */
      readonly canisterVersion: bigint | null;
    };

export interface CanisterChange {
  readonly timeNs: TimeNs;
  readonly canisterVersion: bigint;
  readonly origin: ChangeOrigin;
  readonly details: ChangeDetails;
}

export interface LogRecord {
  readonly index: bigint;
  readonly timeNs: TimeNs;
  readonly content: Uint8Array;
}

/** Where `canister_on_low_wasm_memory` stands. */
export type LowMemoryHookStatus = 'conditionNotSatisfied' | 'ready' | 'executed';

export interface CanisterState {
  readonly canisterId: CanisterId;
  /** Sorted, at most 10. */
  readonly controllers: readonly PrincipalId[];
  readonly status: CanisterStatus;
  readonly cycles: Cycles;
  /** Set aside for storage: idle costs are paid from here first, nothing else is. */
  readonly reservedCycles: Cycles;
  /** Of this canister, since it was created. */
  readonly consumed: ConsumedCycles;
  readonly settings: CanisterSettings;
  readonly execution: ExecutionState | null;
  /** At most 32 bytes. */
  readonly certifiedData: Uint8Array;
  /** 0 = not set. */
  readonly globalTimerNs: TimeNs;
  readonly lowMemoryHook: LowMemoryHookStatus;
  readonly version: bigint;
  readonly totalChanges: bigint;
  /** The newest changes, oldest first. */
  readonly changes: readonly CanisterChange[];
  readonly nextLogIndex: bigint;
  readonly logs: readonly LogRecord[];
  readonly ingressQueue: readonly IngressMessage[];
  /** From canisters, in order of their turn. */
  readonly inputQueues: readonly InputQueue[];
  /** Which source is looked at first for the next message. */
  readonly nextInput: InputSource;
  /** To canisters that could not take them at once, in order of their turn. */
  readonly outputQueues: readonly OutputQueue[];
  readonly calls: CallContextManager;
  /** What it runs next when nothing else decides. */
  readonly nextMethod: ScheduledMethod;
  /** A message that takes more than one slice; nothing else runs meanwhile. */
  readonly longExecution: LongExecution | null;
  /** Waiting for the last open call; only while stopping. */
  readonly stopRequests: readonly StopRequest[];
  /** Host-local counter, see `ExecutionState.memoryVersion`. */
  readonly nextMemoryVersion: MemoryVersion;
  /** Storage and compute are paid up to here. */
  readonly chargedUntilNs: TimeNs;
  readonly createdAtNs: TimeNs;
  /** When code was last installed or a snapshot loaded; 0 = never. */
  readonly lastInstallNs: TimeNs;
  readonly chunkStore: ChunkStore;
  /** In order of their ids. */
  readonly snapshots: readonly CanisterSnapshot[];
  readonly nextSnapshotId: number;
  /** Of all epochs that ended. */
  readonly queryTotals: QueryCounts;
}

const MEMORY_VERSIONS_PER_HEIGHT = 1_000_000;

/**
 * The first memory version of a canister that comes into being at a height, by creation or from a
 * checkpoint: above every version this host can have used before, so that none is taken for another.
 */
export function firstMemoryVersion(height: Height): MemoryVersion {
  return height * MEMORY_VERSIONS_PER_HEIGHT + 1;
}

export interface NewCanister {
  readonly height: Height;
  readonly canisterId: CanisterId;
  readonly controllers: readonly PrincipalId[];
  readonly cycles: Cycles;
  readonly settings: CanisterSettings;
  readonly timeNs: TimeNs;
  readonly creator: ChangeOrigin;
  /** Hash of the environment variables named at creation, if any were. */
  readonly environmentHash?: HashHex | null;
}

export function createCanisterState(init: NewCanister): CanisterState {
  return {
    canisterId: init.canisterId,
    controllers: init.controllers,
    status: 'running',
    cycles: init.cycles,
    reservedCycles: 0n,
    consumed: NOTHING_CONSUMED,
    settings: init.settings,
    execution: null,
    certifiedData: new Uint8Array(0),
    globalTimerNs: 0n,
    lowMemoryHook: 'conditionNotSatisfied',
    version: 0n,
    totalChanges: 1n,
    changes: [
      {
        timeNs: init.timeNs,
        canisterVersion: 0n,
        origin: init.creator,
        details: {
          kind: 'creation',
          controllers: init.controllers,
          environmentHash: init.environmentHash ?? null,
        },
      },
    ],
    nextLogIndex: 0n,
    logs: [],
    ingressQueue: [],
    inputQueues: [],
    nextInput: 'ingress',
    outputQueues: [],
    calls: NO_CALLS,
    nextMethod: 'globalTimer',
    longExecution: null,
    stopRequests: [],
    nextMemoryVersion: firstMemoryVersion(init.height),
    chargedUntilNs: init.timeNs,
    createdAtNs: init.timeNs,
    lastInstallNs: 0n,
    chunkStore: EMPTY_CHUNK_STORE,
    snapshots: [],
    nextSnapshotId: 0,
    queryTotals: NO_QUERIES,
  };
}
