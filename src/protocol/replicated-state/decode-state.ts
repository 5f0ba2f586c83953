import { decodeCbor, type CborMap, type CborValue } from '../crypto/cbor.ts';
import { codedError, err, ok, type CodedError, type Result } from '../../base/result.ts';
import type { GlobalValue } from '../interfaces/wasm-host.ts';
import type {
  CanisterId,
  HashHex,
  MessageId,
  NodeId,
  PrincipalId,
  SubnetId,
} from '../types/ids.ts';
import {
  INPUT_SOURCES,
  type CanisterSettings,
  type CanisterState,
  type CustomSection,
  type ExecutionState,
  type InputSource,
  type LowMemoryHookStatus,
  type Visibility,
} from './canister-state.ts';
import {
  CYCLES_USE_CASES,
  NOTHING_CONSUMED,
  totalConsumed,
  withConsumed,
  type ConsumedCycles,
} from './consumed-cycles.ts';
import {
  emptyIngressHistory,
  withIngressStatus,
  type IngressEntry,
  type IngressHistory,
  type IngressStatus,
} from './ingress-history.ts';
import { big, bytes, list, Malformed, map, small, text, texts } from './decode-fields.ts';
import {
  callsFrom,
  inputQueueFrom,
  messageFrom,
  outputQueueFrom,
  requestFrom,
  stopRequestFrom,
  subnetMessageFrom,
} from './decode-messages.ts';
import { longExecutionFrom, scheduledMethodFrom, scheduleFrom } from './decode-schedule.ts';
import { changeFrom, chunkStoreFrom } from './decode-history.ts';
import { outboundFrom } from './decode-outbound.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { EncodedSystem } from './encode-state.ts';
import { emptyPageMap } from './page-map.ts';
import { RadixMap } from './radix-map.ts';
import { countsFromCbor, queryStatsFromCbor } from './query-stats-state.ts';
import type { ReplicatedState } from './replicated-state.ts';
import type { Outbound } from './streams.ts';

/** Reads back what `encode-state.ts` writes; the bytes may come from a peer and are checked. */

export type StateCodecError = CodedError<'MALFORMED_STATE'>;

function statusFrom(value: CborValue | undefined): IngressStatus {
  const [kind, first, second] = list(value);
  switch (text(kind)) {
    case 'received':
      return { kind: 'received' };
    case 'processing':
      return { kind: 'processing' };
    case 'replied':
      return { kind: 'replied', reply: bytes(first) };
    case 'rejected':
      return { kind: 'rejected', errorCode: small(first), message: text(second) };
    default:
      throw new Malformed('an ingress status');
  }
}

function historyFrom(fields: CborMap): IngressHistory {
  let ingressHistory = emptyIngressHistory();
  for (const item of list(fields.get('history'))) {
    const [id, state, sender, effective, timeNs] = list(item);
    const entry: IngressEntry = {
      status: statusFrom(state),
      sender: text<PrincipalId>(sender),
      effectiveCanisterId: text<PrincipalId>(effective),
      timeNs: big(timeNs),
    };
    const messageId = text<MessageId>(id);
    if (ingressHistory.entries.has(messageId)) {
      throw new Malformed('each message once');
    }
    ingressHistory = withIngressStatus(ingressHistory, messageId, entry);
  }
  return ingressHistory;
}

type Queues = Pick<ReplicatedState, 'subnetQueue' | 'randomRequests' | keyof Outbound>;

function queuesFrom(fields: CborMap): Queues {
  return {
    ...outboundFrom(fields),
    subnetQueue: list(fields.get('subnetQueue')).map(subnetMessageFrom),
    randomRequests: list(fields.get('randomRequests')).map(requestFrom),
  };
}

function consumedFrom(value: CborValue | undefined): ConsumedCycles {
  const amounts = list(value);
  if (amounts.length !== CYCLES_USE_CASES.length) {
    throw new Malformed('an amount for each use of cycles');
  }
  return CYCLES_USE_CASES.reduce(
    (sum, useCase, index) => withConsumed(sum, useCase, big(amounts[index])),
    NOTHING_CONSUMED,
  );
}

function nodeMetricsFrom(value: CborValue): NodeMetrics {
  const [nodeId, proposed, failures] = list(value);
  return {
    nodeId: text<NodeId>(nodeId),
    blocksProposed: big(proposed),
    blockFailures: big(failures),
  };
}

type Metadata = Omit<
  ReplicatedState,
  'canisters' | 'registry' | 'topology' | 'atCheckpoint' | 'ingressHistory' | keyof Queues
>;

function metadataFrom(fields: CborMap): Metadata {
  const nextId = fields.get('nextId');
  const previousRoot = fields.get('previousRoot');
  const consumed = consumedFrom(fields.get('consumed'));
  return {
    height: small(fields.get('height')),
    timeNs: big(fields.get('timeNs')),
    previousRoot: previousRoot === null ? null : text<HashHex>(previousRoot),
    subnetId: text<SubnetId>(fields.get('subnetId')),
    canisterIds: {
      ranges: list(fields.get('ranges')).map((pair) => {
        const [first, last] = list(pair);
        return [big(first), big(last)] as const;
      }),
      next: nextId === null ? undefined : big(nextId),
    },
    schedule: scheduleFrom(fields),
    queryStats: queryStatsFromCbor(fields.get('queryStats')),
    metrics: {
      updateTransactions: big(fields.get('updateTransactions')),
      consumedCycles: totalConsumed(consumed),
      consumed,
      createdCycles: big(fields.get('createdCycles')),
      sentCycles: big(fields.get('sentCycles')),
      receivedCycles: big(fields.get('receivedCycles')),
    },
    nodeMetrics: list(fields.get('nodeMetrics')).map((item) => {
      const [timeNs, nodes] = list(item);
      return { timeNs: big(timeNs), nodes: list(nodes).map(nodeMetricsFrom) };
    }),
  };
}

function visibilityFrom(value: CborValue | undefined): Visibility {
  const [kind, viewers] = list(value);
  switch (text(kind)) {
    case 'controllers':
      return { kind: 'controllers' };
    case 'public':
      return { kind: 'public' };
    case 'allowedViewers':
      return { kind: 'allowedViewers', viewers: texts<PrincipalId>(viewers) };
    default:
      throw new Malformed('a visibility');
  }
}

function settingsFrom(value: CborValue | undefined): CanisterSettings {
  const items = list(value);
  return {
    computeAllocation: big(items[0]),
    memoryAllocationBytes: big(items[1]),
    freezingThresholdSeconds: big(items[2]),
    reservedCyclesLimit: big(items[3]),
    wasmMemoryLimitBytes: big(items[4]),
    wasmMemoryThresholdBytes: big(items[5]),
    logVisibility: visibilityFrom(items[6]),
    environmentVariables: list(items[7]).map((pair) => {
      const [name, content] = list(pair);
      return [text(name), text(content)] as const;
    }),
    snapshotVisibility: visibilityFrom(items[8]),
    statusVisibility: visibilityFrom(items[9]),
    minimumIncomingCallCycles: big(items[10]),
  };
}

function sectionFrom(value: CborValue): CustomSection {
  const [name, visibility, content] = list(value);
  return {
    name: text(name),
    visibility: text(visibility) === 'public' ? 'public' : 'private',
    content: bytes(content),
  };
}

const GLOBAL_TYPES = ['i32', 'i64', 'f32', 'f64', 'v128'] as const;

export function globalFrom(value: CborValue): GlobalValue {
  const [named, bits] = list(value);
  const name = text(named);
  const type = GLOBAL_TYPES.find((one) => one === name);
  if (type === undefined) {
    throw new Malformed('a global type');
  }
  return { type, bits: big(bits) };
}

/** Module and memories are filled in by the caller. */
function executionFrom(value: CborValue | undefined): ExecutionState | null {
  if (value === null) {
    return null;
  }
  const fields = map(value);
  return {
    moduleHash: text<HashHex>(fields.get('moduleHash')),
    wasm: new Uint8Array(0),
    exports: texts(fields.get('exports')),
    customSections: list(fields.get('sections')).map(sectionFrom),
    memory64: fields.get('memory64') === true,
    globals: list(fields.get('globals')).map(globalFrom),
    heapWasmPages: small(fields.get('heapWasmPages')),
    heap: emptyPageMap(),
    stableWasmPages: small(fields.get('stableWasmPages')),
    stable: emptyPageMap(),
    memoryVersion: 0,
  };
}

export function lowMemoryHookFrom(value: CborValue | undefined): LowMemoryHookStatus {
  const status = text(value);
  if (status !== 'conditionNotSatisfied' && status !== 'ready' && status !== 'executed') {
    throw new Malformed("a low-memory hook's status");
  }
  return status;
}

function inputSourceFrom(value: CborValue | undefined): InputSource {
  const name = text(value);
  const source = INPUT_SOURCES.find((candidate) => candidate === name);
  if (source === undefined) {
    throw new Malformed('a source of input');
  }
  return source;
}

function canisterFrom(fields: CborMap): CanisterState {
  const state = text(fields.get('status'));
  if (state !== 'running' && state !== 'stopping' && state !== 'stopped') {
    throw new Malformed('a canister status');
  }
  return {
    canisterId: text<CanisterId>(fields.get('canisterId')),
    controllers: texts<PrincipalId>(fields.get('controllers')),
    status: state,
    cycles: big(fields.get('cycles')),
    reservedCycles: big(fields.get('reservedCycles')),
    consumed: consumedFrom(fields.get('consumed')),
    settings: settingsFrom(fields.get('settings')),
    execution: executionFrom(fields.get('execution')),
    certifiedData: bytes(fields.get('certifiedData')),
    globalTimerNs: big(fields.get('globalTimerNs')),
    lowMemoryHook: lowMemoryHookFrom(fields.get('lowMemoryHook')),
    version: big(fields.get('version')),
    totalChanges: big(fields.get('totalChanges')),
    changes: list(fields.get('changes')).map(changeFrom),
    nextLogIndex: big(fields.get('nextLogIndex')),
    logs: list(fields.get('logs')).map((item) => {
      const [index, timeNs, content] = list(item);
      return { index: big(index), timeNs: big(timeNs), content: bytes(content) };
    }),
    ingressQueue: list(fields.get('ingressQueue')).map(messageFrom),
    inputQueues: list(fields.get('inputQueues')).map(inputQueueFrom),
    nextInput: inputSourceFrom(fields.get('nextInput')),
    outputQueues: list(fields.get('outputQueues')).map(outputQueueFrom),
    calls: callsFrom(fields),
    nextMethod: scheduledMethodFrom(fields.get('nextMethod')),
    longExecution: longExecutionFrom(fields.get('longExecution')),
    stopRequests: list(fields.get('stopRequests')).map(stopRequestFrom),
    nextMemoryVersion: 0,
    chargedUntilNs: big(fields.get('chargedUntilNs')),
    createdAtNs: big(fields.get('createdAtNs')),
    lastInstallNs: big(fields.get('lastInstallNs')),
    chunkStore: chunkStoreFrom(fields.get('chunks')),
    snapshots: [],
    nextSnapshotId: small(fields.get('nextSnapshotId')),
    queryTotals: countsFromCbor(fields.get('queryTotals')),
  };
}

const MAX_STATE_BYTES = 256 * 1024 * 1024;

export function decodeWith<T>(
  encoded: Uint8Array,
  read: (fields: CborMap) => T,
): Result<T, StateCodecError> {
  const value = decodeCbor(encoded, {
    maxBytes: MAX_STATE_BYTES,
    maxItems: 20_000_000,
    canonical: true,
  });
  if (!value.ok) {
    return err(codedError('input', 'MALFORMED_STATE', value.error.message));
  }
  try {
    return ok(read(map(value.value)));
  } catch (failure) {
    if (failure instanceof Malformed) {
      return err(
        codedError('input', 'MALFORMED_STATE', `Expected ${failure.what} in the encoded state.`),
      );
    }
    throw failure;
  }
}

/** A state without canisters; see `encode-state.ts`. */
export function decodeSystemState(files: EncodedSystem): Result<ReplicatedState, StateCodecError> {
  const metadata = decodeWith(files.metadata, metadataFrom);
  if (!metadata.ok) {
    return metadata;
  }
  const history = decodeWith(files.history, historyFrom);
  if (!history.ok) {
    return history;
  }
  const queues = decodeWith(files.queues, queuesFrom);
  return queues.ok
    ? ok({
        ...metadata.value,
        ...queues.value,
        ingressHistory: history.value,
        canisters: RadixMap.empty(),
        // Files of their own: see `restore-checkpoint.ts`.
        registry: null,
        topology: null,
        atCheckpoint: RadixMap.empty(),
      })
    : queues;
}

/** A canister whose module, memories, chunks, snapshots and memory versions the caller fills in; see `encode-state.ts`. */
export function decodeCanister(encoded: Uint8Array): Result<CanisterState, StateCodecError> {
  return decodeWith(encoded, canisterFrom);
}
