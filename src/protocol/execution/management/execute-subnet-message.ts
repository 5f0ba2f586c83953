import { assert, present } from '../../../base/assert.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { err, ok } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import { MAX_CHUNK_BYTES } from '../../limits/management.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import { hasInput } from '../../replicated-state/input-queues.ts';
import type { Cycles } from '../../types/ids.ts';
import { installCode } from '../install-code.ts';
import type { RoundState } from '../round-state.ts';
import { heapDeltaRateError } from '../scheduling/rate-limits.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { ErrorCode, help, userError } from '../user-error.ts';
import {
  decodeCanisterId,
  decodeInstallChunkedCode,
  decodeInstallCode,
  decodeTarget,
  decodeTargetArgument,
  decodeTopUp,
  decodeUpdateSettings,
} from './arguments.ts';
import { checkCallerSubnet } from './caller-subnet.ts';
import { assembleChunks, clearChunkStore, storedChunks, uploadChunk } from './chunks.ts';
import { createPaidCanister, createProvisionalCanister } from './create-canister.ts';
import { cannotControl, storeNotFound } from './errors.ts';
import { canisterInfo, canisterMetadata } from './information.ts';
import {
  checkManagementCall,
  ingressMethod,
  isTargetMethod,
  type ManagementMethod,
  type TargetMethod,
  type UnavailableMethod,
} from './methods.ts';
import { findCanister, originOf, type Reply } from './operation.ts';
import { canisterMetricsReply, canisterStatusReply, emptyReply } from './replies.ts';
import { updateSettings } from './settings.ts';
import {
  readSnapshotData,
  readSnapshotMetadata,
  uploadSnapshotData,
  uploadSnapshotMetadata,
} from './snapshot-data.ts';
import { deleteSnapshot, listSnapshots, loadSnapshot, takeSnapshot } from './snapshots.ts';
import {
  answerSubnetMessage,
  startCanister,
  stopCanister,
  uninstallByController,
} from './stop-canister.ts';
import { nodeMetricsHistory, subnetInfo } from './subnet-facts.ts';
import { unavailable } from './unavailable.ts';

/** Executes calls of the management canister. @upstream rs/execution_environment/src/execution_environment.rs#execute_subnet_message */

/** Candid of `()`. */
const EMPTY_ARGUMENT = '4449444c0000';

/** A reply and the cycles of the call that it did not take; null when the answer comes later. */
type Answer = { readonly reply: Reply; readonly refund: Cycles } | null;

/** Executes one call of `aaaaa-aa`, of a user or of a canister, and answers it. */
export function* executeSubnetMessage(
  round: RoundState,
  message: SubnetMessage,
): SandboxTask<void> {
  const used = round.instructionsUsed;
  round.messagesExecuted += 1;
  const refund = isRequest(message) ? message.cycles : 0n;
  const { sender, methodName, arg } = message;
  const allowed = isRequest(message)
    ? checkCallerSubnet(round, message)
    : ingressMethod(methodName);
  const method = allowed.ok
    ? checkManagementCall(round.canisters, sender, methodName, arg)
    : allowed;
  const answer = method.ok
    ? yield* dispatch(round, message, method.value)
    : { reply: method, refund };
  if (answer !== null) {
    const { reply } = answer;
    answerSubnetMessage(
      round,
      message,
      reply.ok ? { kind: 'replied', reply: reply.value } : { kind: 'rejected', error: reply.error },
      reply.ok ? answer.refund : refund,
      round.instructionsUsed - used,
    );
  }
}

/** Calls that wait or that keep cycles; the others give all cycles back. */
function* dispatch(
  round: RoundState,
  message: SubnetMessage,
  method: ManagementMethod,
): SandboxTask<Answer> {
  const refund = isRequest(message) ? message.cycles : 0n;
  switch (method) {
    case 'raw_rand':
      return askForRandomness(round, message);
    case 'stop_canister':
      stopCanister(round, targetOf(round, message), message);
      return null;
    case 'create_canister':
      return { reply: createPaidCanister(round, message), refund: 0n };
    case 'deposit_cycles':
      return { reply: depositCycles(round, message), refund: 0n };
    default: {
      const reply = isTargetMethod(method)
        ? yield* manageCanister(round, message, method)
        : answerAboutSubnet(round, message, method);
      return { reply, refund };
    }
  }
}

type StopMethod = 'stop_canister';

/** Methods that change much memory: refused while the canister has changed too much of late. */
const CHANGES_MEMORY: ReadonlySet<ManagementMethod> = new Set([
  'load_canister_snapshot',
  'take_canister_snapshot',
  'upload_canister_snapshot_metadata',
]);
type WaitingMethod = 'raw_rand' | 'create_canister' | 'deposit_cycles';

/** The canister that a checked call is about. */
function targetOf(round: RoundState, message: SubnetMessage): CanisterState {
  const canisterId = decodeTarget(message.methodName, message.arg);
  assert(canisterId.ok, 'the target was decoded when the call was checked');
  return present(round.find(canisterId.value), 'the target was there just now');
}

function* manageCanister(
  round: RoundState,
  message: SubnetMessage,
  method: Exclude<TargetMethod, StopMethod>,
): SandboxTask<Reply> {
  const canister = targetOf(round, message);
  const { arg, sender } = message;
  const tooFast = CHANGES_MEMORY.has(method) && heapDeltaRateError(round, canister.canisterId);
  if (tooFast) {
    return err(tooFast);
  }
  switch (method) {
    case 'install_code':
      return yield* install(round, message);
    case 'install_chunked_code':
      return yield* installChunked(round, message);
    case 'load_canister_snapshot':
      return yield* loadSnapshot(round, canister, message);
    case 'delete_canister':
      return yield* deleteCanister(round, canister, message);
    case 'update_settings':
      return changeSettings(round, canister, message);
    case 'uninstall_code':
      return uninstall(round, canister, message);
    case 'start_canister':
      startCanister(round, canister);
      return ok(emptyReply());
    case 'canister_status':
      return ok(canisterStatusReply(round.env, canister));
    case 'canister_metrics':
      return ok(canisterMetricsReply(canister));
    case 'upload_chunk':
      return uploadChunk(round, canister, sender, arg);
    case 'stored_chunks':
      return storedChunks(canister);
    case 'clear_chunk_store':
      return clearChunkStore(round, canister);
    case 'take_canister_snapshot':
      return takeSnapshot(round, canister, message);
    case 'list_canister_snapshots':
      return listSnapshots(canister);
    case 'delete_canister_snapshot':
      return deleteSnapshot(round, canister, arg);
    case 'read_canister_snapshot_metadata':
      return readSnapshotMetadata(round, canister, arg);
    case 'read_canister_snapshot_data':
      return readSnapshotData(round, canister, sender, arg);
    case 'upload_canister_snapshot_metadata':
      return uploadSnapshotMetadata(round, canister, sender, arg);
    case 'upload_canister_snapshot_data':
      return uploadSnapshotData(round, canister, sender, arg);
  }
}

function answerAboutSubnet(
  round: RoundState,
  message: SubnetMessage,
  method: Exclude<ManagementMethod, TargetMethod | WaitingMethod>,
): Reply {
  const { arg, sender } = message;
  switch (method) {
    case 'provisional_create_canister_with_cycles':
      return createProvisionalCanister(round, message);
    case 'provisional_top_up_canister':
      return topUp(round, arg);
    case 'canister_info':
      return canisterInfo(round, arg);
    case 'canister_metadata':
      return canisterMetadata(round, sender, arg);
    case 'node_metrics_history':
      return nodeMetricsHistory(round, arg);
    case 'subnet_info':
      return subnetInfo(round, arg);
    default:
      return unavailable(method satisfies UnavailableMethod, arg);
  }
}

function askForRandomness(round: RoundState, message: SubnetMessage): Answer {
  assert(isRequest(message), 'only canisters may call raw_rand');
  if (bytesToHex(message.arg) !== EMPTY_ARGUMENT) {
    const reply = userError(
      ErrorCode.invalidManagementPayload,
      'Error decoding candid: the argument is not empty',
    );
    return { reply, refund: message.cycles };
  }
  round.randomRequests = [...round.randomRequests, message];
  return null;
}

function depositCycles(round: RoundState, message: SubnetMessage): Reply {
  assert(isRequest(message), 'only canisters may call deposit_cycles');
  const canisterId = decodeCanisterId(message.arg);
  const canister = canisterId.ok ? findCanister(round, canisterId.value) : canisterId;
  if (!canister.ok) {
    return canister;
  }
  round.credit(canister.value.canisterId, message.cycles);
  return ok(emptyReply());
}

function topUp(round: RoundState, arg: Uint8Array): Reply {
  const canisterId = decodeCanisterId(arg);
  const amount = decodeTopUp(arg);
  const canister = canisterId.ok ? findCanister(round, canisterId.value) : canisterId;
  if (!canister.ok || !amount.ok) {
    return canister.ok ? (amount as Reply) : canister;
  }
  round.createdCycles += amount.value;
  round.credit(canister.value.canisterId, amount.value);
  return ok(emptyReply());
}

function changeSettings(round: RoundState, canister: CanisterState, message: SubnetMessage): Reply {
  const decoded = decodeUpdateSettings(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const { change, senderVersion } = decoded.value;
  const refusal = updateSettings(round, canister, change, originOf(message, senderVersion));
  return refusal === undefined ? ok(emptyReply()) : err(refusal);
}

function uninstall(round: RoundState, canister: CanisterState, message: SubnetMessage): Reply {
  const decoded = decodeTargetArgument(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const origin = originOf(message, decoded.value.senderVersion);
  uninstallByController(round, canister.canisterId, origin);
  return ok(emptyReply());
}

function* deleteCanister(
  round: RoundState,
  canister: CanisterState,
  message: SubnetMessage,
): SandboxTask<Reply> {
  const name = principalToText(canister.canisterId);
  if (message.sender === canister.canisterId) {
    const advice = help(
      'Delete the canister from one of its other controllers.',
      'delete-canister-self',
    );
    return userError(
      ErrorCode.canisterInvalidController,
      `Canister ${name} cannot delete itself.${advice}`,
    );
  }
  if (canister.status !== 'stopped') {
    const advice = help('Stop the canister before deleting it.', 'delete-canister-not-stopped');
    return userError(
      ErrorCode.canisterNotStopped,
      `Canister ${name} must be stopped before it is deleted.${advice}`,
    );
  }
  if (hasInput(canister) || canister.outputQueues.length > 0) {
    const advice = help(
      'Wait until the queues have been cleared to delete the canister and in the meantime stop the canister.',
      'delete-canister-queue-not-empty',
    );
    return userError(
      ErrorCode.canisterQueueNotEmpty,
      `Canister ${name} has messages in its queues and cannot be deleted now. Please retry after some time.${advice}`,
    );
  }
  round.consume(null, canister.cycles + canister.reservedCycles, 'deletedCanisters');
  round.remove(canister.canisterId);
  yield { kind: 'forget', canisterId: canister.canisterId };
  return ok(emptyReply());
}

function* install(round: RoundState, message: SubnetMessage): SandboxTask<Reply> {
  const decoded = decodeInstallCode(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const origin = originOf(message, decoded.value.senderVersion);
  const done = yield* installCode(round, { ...decoded.value, origin, assemblyInstructions: 0n });
  return done.ok ? ok(emptyReply()) : done;
}

/** Installs a module from chunks, of the canister itself or of another one that the caller controls. */
function* installChunked(round: RoundState, message: SubnetMessage): SandboxTask<Reply> {
  const decoded = decodeInstallChunkedCode(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const { storeCanister, chunkHashes, moduleHash, canisterId, senderVersion } = decoded.value;
  const store = round.find(storeCanister ?? canisterId);
  if (store === undefined) {
    const { subnetId } = round.env;
    return err(storeNotFound(storeCanister ?? canisterId, subnetId, canisterId));
  }
  const { sender } = message;
  if (sender !== store.canisterId && !store.controllers.includes(sender)) {
    return err(cannotControl(store, sender));
  }
  const wasm = assembleChunks(store.chunkStore, chunkHashes, moduleHash);
  if (!wasm.ok) {
    return wasm;
  }
  const done = yield* installCode(round, {
    ...decoded.value,
    wasm: wasm.value,
    origin: originOf(message, senderVersion),
    assemblyInstructions: BigInt(chunkHashes.length) * BigInt(MAX_CHUNK_BYTES),
  });
  return done.ok ? ok(emptyReply()) : done;
}
