import { encodeCbor, type CborInput } from '../crypto/cbor.ts';
import type {
  CanisterChange,
  CanisterSettings,
  CanisterState,
  ExecutionState,
  IngressMessage,
} from './canister-state.ts';
import type { IngressStatus } from './ingress-history.ts';
import type { ReplicatedState } from './replicated-state.ts';

/**
 * The replicated state as bytes, for checkpoints: canonical CBOR, without Wasm modules and memory
 * pages, which are chunks of their own. Integers that may exceed 64 bits are decimal text.
 */

function message(queued: IngressMessage): CborInput {
  return [
    queued.messageId,
    queued.sender,
    queued.canisterId,
    queued.effectiveCanisterId,
    queued.methodName,
    queued.arg,
    queued.expiryNs.toString(),
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

/** Everything but the canisters. */
export function encodeSystemState(state: ReplicatedState): Uint8Array {
  const history: CborInput[] = [];
  for (const [id, entry] of state.ingressHistory.entries.entries()) {
    history.push([
      id,
      status(entry.status),
      entry.sender,
      entry.effectiveCanisterId,
      entry.timeNs.toString(),
    ]);
  }
  return encodeCbor({
    height: state.height,
    timeNs: state.timeNs.toString(),
    previousRoot: state.previousRoot,
    subnetId: state.subnetId,
    history,
    subnetQueue: state.subnetQueue.map(message),
    ranges: state.canisterIds.ranges.map(([first, last]) => [first.toString(), last.toString()]),
    nextId: state.canisterIds.next === undefined ? null : state.canisterIds.next.toString(),
    nextCanister: state.nextCanister,
    updateTransactions: state.metrics.updateTransactions.toString(),
    consumedCycles: state.metrics.consumedCycles.toString(),
  });
}

function change(value: CanisterChange): CborInput {
  const { details } = value;
  const rest: CborInput[] =
    details.kind === 'codeUninstall'
      ? []
      : details.kind === 'codeDeployment'
        ? [details.mode, details.moduleHash]
        : [details.controllers];
  return [
    value.timeNs.toString(),
    value.canisterVersion.toString(),
    value.originUser,
    details.kind,
    ...rest,
  ];
}

function settings(value: CanisterSettings): CborInput {
  const { logVisibility } = value;
  return [
    value.computeAllocation.toString(),
    value.memoryAllocationBytes.toString(),
    value.freezingThresholdSeconds.toString(),
    value.reservedCyclesLimit.toString(),
    value.wasmMemoryLimitBytes.toString(),
    value.wasmMemoryThresholdBytes.toString(),
    [logVisibility.kind, logVisibility.kind === 'allowedViewers' ? logVisibility.viewers : []],
    value.environmentVariables,
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
    globals: value.globals.map((global) => [global.type, global.bits.toString()]),
    heapWasmPages: value.heapWasmPages,
    stableWasmPages: value.stableWasmPages,
  };
}

/** One canister without module and memory pages; host-local memory versions are left out. */
export function encodeCanister(canister: CanisterState): Uint8Array {
  return encodeCbor({
    canisterId: canister.canisterId,
    controllers: canister.controllers,
    status: canister.status,
    cycles: canister.cycles.toString(),
    settings: settings(canister.settings),
    execution: execution(canister.execution),
    certifiedData: canister.certifiedData,
    globalTimerNs: canister.globalTimerNs.toString(),
    version: canister.version.toString(),
    totalChanges: canister.totalChanges.toString(),
    changes: canister.changes.map(change),
    nextLogIndex: canister.nextLogIndex.toString(),
    logs: canister.logs.map((log) => [log.index.toString(), log.timeNs.toString(), log.content]),
    ingressQueue: canister.ingressQueue.map(message),
    chargedUntilNs: canister.chargedUntilNs.toString(),
    createdAtNs: canister.createdAtNs.toString(),
  });
}
