import { encodeCbor, type CborInput, type CborRecord } from '../crypto/cbor.ts';
import {
  isRequest,
  type Callback,
  type CallContext,
  type CallOrigin,
  type CallTree,
  type CanisterMessage,
  type CanisterRequest,
  type OutputQueue,
  type SubnetMessage,
} from './canister-messages.ts';
import type { WasmClosure } from '../interfaces/wasm-host.ts';
import type {
  CanisterChange,
  ChangeDetails,
  ChangeOrigin,
  CanisterSettings,
  CanisterState,
  ExecutionState,
  IngressMessage,
  Visibility,
} from './canister-state.ts';
import { CYCLES_USE_CASES, type ConsumedCycles } from './consumed-cycles.ts';
import type { ChunkStore } from './chunk-store.ts';
import type { IngressHistory, IngressStatus } from './ingress-history.ts';
import { encodeLongExecution, encodePriorities } from './encode-schedule.ts';
import { countsToCbor, queryStatsToCbor } from './query-stats-state.ts';
import type { ReplicatedState } from './replicated-state.ts';
import type { Outbound, StreamMessage } from './streams.ts';

/**
 * The replicated state as bytes, for checkpoints: canonical CBOR, without Wasm modules and memory
 * pages, which are chunks of their own. Integers that may exceed 64 bits are decimal text.
 */

function callerInfo({ callerInfo: info }: Pick<IngressMessage, 'callerInfo'>): CborInput {
  return info === undefined ? null : [info.data, info.signer];
}

function message(queued: IngressMessage): CborInput {
  return [
    queued.messageId,
    queued.sender,
    queued.canisterId,
    queued.effectiveCanisterId,
    queued.methodName,
    queued.arg,
    queued.expiryNs.toString(),
    callerInfo(queued),
  ];
}

function callTree({ depth, startTimeNs }: CallTree): CborInput {
  return [depth, startTimeNs.toString()];
}

function request(value: CanisterRequest): CborInput {
  return [
    value.kind,
    value.sender,
    value.receiver,
    value.callbackId,
    value.methodName,
    value.arg,
    value.cycles.toString(),
    value.deadlineNs.toString(),
    callTree(value.callTree),
  ];
}

function canisterMessage(value: CanisterMessage): CborInput {
  if (value.kind === 'request') {
    return request(value);
  }
  const { payload } = value;
  return [
    value.kind,
    value.originator,
    value.respondent,
    value.callbackId,
    value.refund.toString(),
    payload.kind === 'reply' ? [payload.data] : [payload.code, payload.message],
    value.deadlineNs.toString(),
  ];
}

function outputQueue({ receiver, messages }: OutputQueue): CborInput {
  return [
    receiver,
    messages.map(({ message, expiresNs }) => [canisterMessage(message), expiresNs.toString()]),
  ];
}

function streamMessage(value: StreamMessage): CborInput {
  return value.kind === 'refund'
    ? [value.kind, value.recipient, value.cycles.toString()]
    : canisterMessage(value);
}

function outbound({ streams, subnetOutputs, refunds }: Outbound): CborRecord {
  return {
    streams: [...streams].map(([subnetId, stream]) => [
      subnetId,
      stream.begin,
      stream.messages.map(streamMessage),
      stream.signalsEnd,
      stream.rejectSignals.map(({ reason, index }) => [reason, index]),
      stream.responsesOnly,
    ]),
    subnetOutputs: subnetOutputs.map(outputQueue),
    refunds: refunds.map(([recipient, cycles]) => [recipient, cycles.toString()]),
  };
}

function subnetMessage(value: SubnetMessage): CborInput {
  return isRequest(value) ? request(value) : ['ingress', message(value)];
}

function origin(value: CallOrigin): CborInput {
  switch (value.kind) {
    case 'systemTask':
      return [value.kind];
    case 'ingress': {
      const { messageId, sender, canisterId, effectiveCanisterId, methodName } = value.message;
      const info = callerInfo(value.message);
      return [value.kind, messageId, sender, canisterId, effectiveCanisterId, methodName, info];
    }
    case 'canister': {
      const { sender, receiver, callbackId, methodName, deadlineNs } = value.request;
      const tree = callTree(value.request.callTree);
      return [value.kind, sender, receiver, callbackId, methodName, deadlineNs.toString(), tree];
    }
  }
}

function context(value: CallContext): CborInput {
  return [
    value.id,
    origin(value.origin),
    value.responded,
    value.deleted,
    value.availableCycles.toString(),
    value.timeNs.toString(),
    value.instructionsExecuted.toString(),
  ];
}

function closure(value: WasmClosure): CborInput {
  return [value.functionIndex, value.env.toString()];
}

function callback(value: Callback): CborInput {
  return [
    value.id,
    value.contextId,
    value.respondent,
    value.cyclesSent.toString(),
    value.executionPrepayment.toString(),
    value.transmissionPrepayment.toString(),
    closure(value.onReply),
    closure(value.onReject),
    value.onCleanup === null ? null : closure(value.onCleanup),
    value.deadlineNs.toString(),
    value.expired,
  ];
}

function status(value: IngressStatus): CborInput {
  switch (value.kind) {
    case 'received':
    case 'processing':
      return [value.kind];
    case 'replied':
      return [value.kind, value.reply];
    case 'rejected':
      return [value.kind, value.errorCode, value.message];
  }
}

function consumed(value: ConsumedCycles): CborInput {
  return CYCLES_USE_CASES.map((useCase) => value[useCase].toString());
}

function encodeSystemMetadata(state: ReplicatedState): Uint8Array {
  return encodeCbor({
    height: state.height,
    timeNs: state.timeNs.toString(),
    previousRoot: state.previousRoot,
    subnetId: state.subnetId,
    ranges: state.canisterIds.ranges.map(([first, last]) => [first.toString(), last.toString()]),
    nextId: state.canisterIds.next === undefined ? null : state.canisterIds.next.toString(),
    priorities: encodePriorities(state.schedule),
    heapDeltaBytes: state.schedule.heapDeltaBytes,
    queryStats: queryStatsToCbor(state.queryStats),
    updateTransactions: state.metrics.updateTransactions.toString(),
    consumed: consumed(state.metrics.consumed),
    createdCycles: state.metrics.createdCycles.toString(),
    sentCycles: state.metrics.sentCycles.toString(),
    receivedCycles: state.metrics.receivedCycles.toString(),
    nodeMetrics: state.nodeMetrics.map(({ timeNs, nodes }) => [
      timeNs.toString(),
      nodes.map(({ nodeId, blocksProposed, blockFailures }) => [
        nodeId,
        blocksProposed.toString(),
        blockFailures.toString(),
      ]),
    ]),
  });
}

function encodeIngressHistory(history: IngressHistory): Uint8Array {
  const entries: CborInput[] = [];
  for (const [id, entry] of history.entries.entries()) {
    entries.push([
      id,
      status(entry.status),
      entry.sender,
      entry.effectiveCanisterId,
      entry.timeNs.toString(),
    ]);
  }
  return encodeCbor({ history: entries });
}

function encodeSubnetQueues(state: ReplicatedState): Uint8Array {
  return encodeCbor({
    subnetQueue: state.subnetQueue.map(subnetMessage),
    randomRequests: state.randomRequests.map(request),
    ...outbound(state),
  });
}

/** All of a state but its canisters: one file each, because they change at different times. */
export interface EncodedSystem {
  readonly metadata: Uint8Array;
  readonly history: Uint8Array;
  readonly queues: Uint8Array;
}

export function encodeSystemState(state: ReplicatedState): EncodedSystem {
  return {
    metadata: encodeSystemMetadata(state),
    history: encodeIngressHistory(state.ingressHistory),
    queues: encodeSubnetQueues(state),
  };
}

function changeOrigin(value: ChangeOrigin): CborInput {
  return value.kind === 'user'
    ? [value.userId]
    : [value.canisterId, value.canisterVersion === null ? null : value.canisterVersion.toString()];
}

function changeDetails(details: ChangeDetails): CborInput[] {
  switch (details.kind) {
    case 'codeUninstall':
      return [];
    case 'codeDeployment':
      return [details.mode, details.moduleHash];
    case 'controllersChange':
      return [details.controllers];
    case 'creation':
      return [details.controllers, details.environmentHash];
    case 'loadSnapshot':
      return [
        details.snapshotId,
        details.canisterVersion.toString(),
        details.takenAtNs.toString(),
        details.source,
        details.fromCanisterId,
      ];
  }
}

function change(value: CanisterChange): CborInput {
  return [
    value.timeNs.toString(),
    value.canisterVersion.toString(),
    changeOrigin(value.origin),
    value.details.kind,
    ...changeDetails(value.details),
  ];
}

function visibility(value: Visibility): CborInput {
  return [value.kind, value.kind === 'allowedViewers' ? value.viewers : []];
}

export function chunkList(store: ChunkStore): CborInput {
  return store.chunks.map(({ hash, length }) => [hash, length]);
}

export function globalList(globals: ExecutionState['globals']): CborInput {
  return globals.map((global) => [global.type, global.bits.toString()]);
}

function settings(value: CanisterSettings): CborInput {
  return [
    value.computeAllocation.toString(),
    value.memoryAllocationBytes.toString(),
    value.freezingThresholdSeconds.toString(),
    value.reservedCyclesLimit.toString(),
    value.wasmMemoryLimitBytes.toString(),
    value.wasmMemoryThresholdBytes.toString(),
    visibility(value.logVisibility),
    value.environmentVariables,
    visibility(value.snapshotVisibility),
    visibility(value.statusVisibility),
    value.minimumIncomingCallCycles.toString(),
  ];
}

function execution(value: ExecutionState | null): CborInput {
  if (value === null) {
    return null;
  }
  return {
    moduleHash: value.moduleHash,
    exports: value.exports,
    sections: value.customSections.map((section) => [
      section.name,
      section.visibility,
      section.content,
    ]),
    memory64: value.memory64,
    globals: globalList(value.globals),
    heapWasmPages: value.heapWasmPages,
    stableWasmPages: value.stableWasmPages,
  };
}

/** One canister without module, memory pages, chunks and snapshots; host-local memory versions are left out. */
export function encodeCanister(canister: CanisterState): Uint8Array {
  return encodeCbor({
    canisterId: canister.canisterId,
    controllers: canister.controllers,
    status: canister.status,
    cycles: canister.cycles.toString(),
    reservedCycles: canister.reservedCycles.toString(),
    consumed: consumed(canister.consumed),
    settings: settings(canister.settings),
    execution: execution(canister.execution),
    certifiedData: canister.certifiedData,
    globalTimerNs: canister.globalTimerNs.toString(),
    lowMemoryHook: canister.lowMemoryHook,
    version: canister.version.toString(),
    totalChanges: canister.totalChanges.toString(),
    changes: canister.changes.map(change),
    nextLogIndex: canister.nextLogIndex.toString(),
    logs: canister.logs.map((log) => [log.index.toString(), log.timeNs.toString(), log.content]),
    ingressQueue: canister.ingressQueue.map(message),
    inputQueues: canister.inputQueues.map(({ sender, isRemote, messages }) => [
      sender,
      isRemote,
      messages.map(canisterMessage),
    ]),
    nextInput: canister.nextInput,
    outputQueues: canister.outputQueues.map(outputQueue),
    nextMethod: canister.nextMethod,
    longExecution: encodeLongExecution(canister.longExecution, {
      ingress: message,
      canister: canisterMessage,
      subnet: subnetMessage,
    }),
    nextContextId: canister.calls.nextContextId,
    nextCallbackId: canister.calls.nextCallbackId,
    contexts: canister.calls.contexts.map(context),
    callbacks: canister.calls.callbacks.map(callback),
    stopRequests: canister.stopRequests.map((stop) => [
      subnetMessage(stop.message),
      stop.timeNs.toString(),
    ]),
    chargedUntilNs: canister.chargedUntilNs.toString(),
    createdAtNs: canister.createdAtNs.toString(),
    lastInstallNs: canister.lastInstallNs.toString(),
    chunks: chunkList(canister.chunkStore),
    nextSnapshotId: canister.nextSnapshotId,
    queryTotals: countsToCbor(canister.queryTotals),
  });
}
