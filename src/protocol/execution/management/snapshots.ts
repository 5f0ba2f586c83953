import { bytesToHex } from '../../../base/hex.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import { sha256 } from '../../crypto/sha256.ts';
import {
  MAX_SNAPSHOTS_PER_CANISTER,
  SNAPSHOT_BASELINE_INSTRUCTIONS,
} from '../../limits/management.ts';
import type { SubnetMessage } from '../../replicated-state/canister-messages.ts';
import type { CanisterState, ExecutionState } from '../../replicated-state/canister-state.ts';
import { EMPTY_CHUNK_STORE } from '../../replicated-state/chunk-store.ts';
import {
  parseSnapshotId,
  snapshotBytes,
  type CanisterSnapshot,
} from '../../replicated-state/snapshots.ts';
import type { CanisterId, HashHex, PrincipalId } from '../../types/ids.ts';
import { withChange } from '../canister-history.ts';
import { compileModule, unpackModule } from '../compile-module.ts';
import { withLowMemoryHook } from '../low-memory-hook.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { snapshotHeapDelta } from '../scheduling/heap-delta.ts';
import { chargeHeapDelta } from '../scheduling/rate-limits.ts';
import { executionError, type UserError } from '../user-error.ts';
import {
  foreignSnapshot,
  foreignSnapshotNotLoadable,
  snapshotInconsistent,
  snapshotNotFound,
  snapshotOfEmptyCanister,
  snapshotOutOfCycles,
  tooManySnapshots,
} from './errors.ts';
import { originOf, fixedInstructions, payInstructions, putGrown, type Reply } from './operation.ts';
import { emptyReply } from './replies.ts';
import {
  decodeDeleteSnapshot,
  decodeLoadSnapshot,
  decodeTakeSnapshot,
} from './snapshot-arguments.ts';
import { snapshotListReply, snapshotReply } from './snapshot-replies.ts';
import { globalsOfUpload } from './snapshot-fit.ts';
import { uninstallByController } from './stop-canister.ts';

/**
 * Snapshots of canisters. Taking one shares all pages with the canister, so it costs the same for
 * every size; what it is charged for does not.
 * @upstream rs/execution_environment/src/canister_manager.rs#take_canister_snapshot
 */

/** A snapshot of this very canister. */
export function ownSnapshot(
  round: RoundState,
  canister: CanisterState,
  snapshotId: string,
): Result<CanisterSnapshot, UserError> {
  const { canisterId } = canister;
  const reference = parseSnapshotId(snapshotId);
  const owner = reference === undefined ? undefined : round.find(reference.canisterId);
  const found = owner?.snapshots.find(({ localId }) => localId === reference?.localId);
  if (found === undefined) {
    return err(snapshotNotFound(canisterId, snapshotId));
  }
  return owner?.canisterId === canisterId
    ? ok(found)
    : err(foreignSnapshot(canisterId, snapshotId));
}

/** The snapshots without the one that is replaced; an error when there would be too many. */
export function snapshotsKept(
  round: RoundState,
  canister: CanisterState,
  replaced: string | undefined,
): Result<readonly CanisterSnapshot[], UserError> {
  const { canisterId, snapshots } = canister;
  if (replaced === undefined) {
    return snapshots.length < MAX_SNAPSHOTS_PER_CANISTER
      ? ok(snapshots)
      : err(tooManySnapshots(canisterId, MAX_SNAPSHOTS_PER_CANISTER));
  }
  const old = ownSnapshot(round, canister, replaced);
  return old.ok ? ok(snapshots.filter((snapshot) => snapshot !== old.value)) : old;
}

function snapshotOf(
  round: RoundState,
  canister: CanisterState,
  execution: ExecutionState,
): CanisterSnapshot {
  return {
    localId: canister.nextSnapshotId,
    source: 'takenFromCanister',
    takenAtNs: round.timeNs,
    canisterVersion: canister.version,
    certifiedData: canister.certifiedData,
    globalTimerNs: canister.globalTimerNs,
    lowMemoryHook: canister.lowMemoryHook,
    wasm: execution.wasm,
    globals: execution.globals,
    heapWasmPages: execution.heapWasmPages,
    heap: execution.heap,
    stableWasmPages: execution.stableWasmPages,
    stable: execution.stable,
    chunkStore: canister.chunkStore,
  };
}

export function takeSnapshot(
  round: RoundState,
  canister: CanisterState,
  message: SubnetMessage,
): Reply {
  const decoded = decodeTakeSnapshot(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const { replaced, uninstall, senderVersion } = decoded.value;
  const kept = snapshotsKept(round, canister, replaced);
  if (!kept.ok) {
    return kept;
  }
  const { canisterId, execution } = canister;
  if (execution === null) {
    return err(snapshotOfEmptyCanister(canisterId));
  }
  const snapshot = snapshotOf(round, canister, execution);
  const after: CanisterState = {
    ...canister,
    snapshots: [...kept.value, snapshot],
    nextSnapshotId: canister.nextSnapshotId + 1,
  };
  const grown = putGrown(round, {
    before: canister,
    after: uninstall ? { ...after, execution: null, chunkStore: EMPTY_CHUNK_STORE } : after,
    sender: message.sender,
    instructions:
      fixedInstructions(round, SNAPSHOT_BASELINE_INSTRUCTIONS) + snapshotBytes(snapshot),
  });
  if (!grown.ok) {
    return grown;
  }
  chargeHeapDelta(round, canisterId, snapshotHeapDelta(round, canisterId, snapshot));
  if (uninstall) {
    uninstallByController(round, canisterId, originOf(message, senderVersion));
  }
  return ok(snapshotReply(canisterId, snapshot));
}

/** The snapshot that a load names, of this canister or of another one of the same controller. */
function loadable(
  round: RoundState,
  canister: CanisterState,
  snapshotId: string,
  sender: PrincipalId,
): Result<{ readonly owner: CanisterId; readonly snapshot: CanisterSnapshot }, UserError> {
  const { canisterId } = canister;
  const reference = parseSnapshotId(snapshotId);
  const owner = reference === undefined ? undefined : round.canisters.get(reference.canisterId);
  const snapshot = owner?.snapshots.find(({ localId }) => localId === reference?.localId);
  if (owner === undefined || snapshot === undefined) {
    return err(snapshotNotFound(canisterId, snapshotId));
  }
  return owner.canisterId === canisterId || owner.controllers.includes(sender)
    ? ok({ owner: owner.canisterId, snapshot })
    : err(foreignSnapshotNotLoadable(canisterId, snapshotId, sender));
}

export function* loadSnapshot(
  round: RoundState,
  canister: CanisterState,
  message: SubnetMessage,
): SandboxTask<Reply> {
  const decoded = decodeLoadSnapshot(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const { canisterId } = canister;
  const { snapshotId, senderVersion } = decoded.value;
  const found = loadable(round, canister, snapshotId, message.sender);
  if (!found.ok) {
    return found;
  }
  const { owner, snapshot } = found.value;
  const fixed = fixedInstructions(round, SNAPSHOT_BASELINE_INSTRUCTIONS);
  const broke = payInstructions(round, canisterId, message.sender, fixed);
  if (broke !== undefined) {
    return err(snapshotOutOfCycles(broke));
  }
  const execution = yield* executionOf(canisterId, snapshot);
  if (!execution.ok) {
    return execution;
  }
  const before = round.canister(canisterId);
  const restored = withContent(round, before, snapshot, execution.value.state);
  const after = withHookOf(restored, snapshot);
  if (!after.ok) {
    return after;
  }
  const grown = putGrown(round, {
    before,
    after: after.value,
    sender: message.sender,
    instructions: execution.value.compileInstructions + snapshotBytes(snapshot),
    memory64: execution.value.state.memory64,
  });
  if (!grown.ok) {
    return grown;
  }
  chargeHeapDelta(round, canisterId, snapshotHeapDelta(round, owner, snapshot));
  round.put(
    withChange(grown.value, round.timeNs, originOf(message, senderVersion), {
      kind: 'loadSnapshot',
      snapshotId,
      canisterVersion: snapshot.canisterVersion,
      takenAtNs: snapshot.takenAtNs,
      source: snapshot.source,
      fromCanisterId: owner === canisterId ? null : owner,
    }),
  );
  return ok(emptyReply());
}

/** The canister with a snapshot's content. The timer of a snapshot that was taken stays as it is. */
function withContent(
  round: RoundState,
  before: CanisterState,
  snapshot: CanisterSnapshot,
  execution: ExecutionState,
): CanisterState {
  const timer = snapshot.source === 'metadataUpload' ? snapshot.globalTimerNs : null;
  return {
    ...before,
    execution: { ...execution, memoryVersion: before.nextMemoryVersion },
    nextMemoryVersion: before.nextMemoryVersion + 1,
    chunkStore: snapshot.chunkStore,
    certifiedData: snapshot.certifiedData,
    globalTimerNs: timer ?? before.globalTimerNs,
    version: before.version + 1n,
    lastInstallNs: round.timeNs,
  };
}

const HOOK_NAMES = {
  conditionNotSatisfied: 'ConditionNotSatisfied',
  ready: 'Ready',
  executed: 'Executed',
} as const;

/** An uploaded snapshot may say where the low-memory hook stands, if that can be. */
function withHookOf(
  canister: CanisterState,
  { source, lowMemoryHook }: CanisterSnapshot,
): Result<CanisterState, UserError> {
  const fresh = withLowMemoryHook({ ...canister, lowMemoryHook: 'conditionNotSatisfied' });
  if (source !== 'metadataUpload' || lowMemoryHook === null) {
    return ok(withLowMemoryHook(canister));
  }
  const isLow = fresh.lowMemoryHook === 'ready';
  return isLow === (lowMemoryHook !== 'conditionNotSatisfied')
    ? ok({ ...canister, lowMemoryHook })
    : err(
        snapshotInconsistent(
          `Hook status (Some(${HOOK_NAMES[lowMemoryHook]})) of uploaded snapshot is inconsistent with the canister's state (hook condition satisfied: ${isLow}).`,
        ),
      );
}

/** Compiles a snapshot's module, which can be anything when it was uploaded. */
function* executionOf(
  canisterId: CanisterId,
  snapshot: CanisterSnapshot,
): SandboxTask<
  Result<{ readonly state: ExecutionState; readonly compileInstructions: bigint }, UserError>
> {
  const { wasm, heapWasmPages, heap, stableWasmPages, stable } = snapshot;
  const unpacked = unpackModule(canisterId, wasm);
  if (!unpacked.ok) {
    return unpacked;
  }
  const moduleHash = bytesToHex(sha256(wasm)) as HashHex;
  const compiled = yield* compileModule(moduleHash, unpacked.value);
  if (!compiled.ok) {
    return err(executionError(canisterId, compiled.error));
  }
  const globals =
    snapshot.source === 'metadataUpload'
      ? globalsOfUpload(unpacked.value, snapshot)
      : ok(snapshot.globals);
  if (!globals.ok) {
    return globals;
  }
  const { info, instructions } = compiled.value;
  const { exports, customSections, memory64 } = info;
  const state: ExecutionState = {
    moduleHash,
    wasm,
    exports,
    customSections,
    memory64,
    globals: globals.value,
    heapWasmPages,
    heap,
    stableWasmPages,
    stable,
    memoryVersion: 0,
  };
  return ok({ state, compileInstructions: instructions });
}

export function listSnapshots(canister: CanisterState): Reply {
  return ok(snapshotListReply(canister.canisterId, canister.snapshots));
}

export function deleteSnapshot(round: RoundState, canister: CanisterState, arg: Uint8Array): Reply {
  const decoded = decodeDeleteSnapshot(arg);
  const snapshot = decoded.ok ? ownSnapshot(round, canister, decoded.value.snapshotId) : decoded;
  if (!snapshot.ok) {
    return snapshot;
  }
  const snapshots = canister.snapshots.filter((other) => other !== snapshot.value);
  round.put({ ...canister, snapshots });
  return ok(emptyReply());
}

/** Replaces one snapshot by a changed version of it. */
export function withSnapshot(canister: CanisterState, changed: CanisterSnapshot): CanisterState {
  const snapshots = canister.snapshots.map((snapshot) =>
    snapshot.localId === changed.localId ? changed : snapshot,
  );
  return { ...canister, snapshots };
}
