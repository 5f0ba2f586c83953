import { assert } from '../../../base/assert.ts';
import { bytesToHex } from '../../../base/hex.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import { canisterIdFromU64, canisterIdToU64, principalToText } from '../../crypto/principal.ts';
import { DEFAULT_PROVISIONAL_CYCLES } from '../../limits/execution.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import {
  createCanisterState,
  DEFAULT_SETTINGS,
  type CanisterState,
} from '../../replicated-state/canister-state.ts';
import { hasInput } from '../../replicated-state/input-queues.ts';
import { idAfter, isHosted } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, Cycles, PrincipalId } from '../../types/ids.ts';
import { createCanisterFee } from '../cycles-account-manager.ts';
import { canisterNotFound } from '../execute-message.ts';
import { installCode, withChange } from '../install-code.ts';
import { withLowMemoryHook } from '../low-memory-hook.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';
import { ErrorCode, help, userError, type UserError } from '../user-error.ts';
import {
  decodeCanisterId,
  decodeCreateCanister,
  decodeInstallCode,
  decodeRecord,
  decodeSettings,
  type SettingsChange,
} from './arguments.ts';
import { natField, required } from './candid-fields.ts';
import type { CandidError } from './candid-value.ts';
import { checkManagementCall, checkManagementIngress, type ManagementMethod } from './methods.ts';
import { canisterIdReply, canisterStatusReply, emptyReply } from './replies.ts';
import { answerSubnetMessage, removeCode, startCanister, stopCanister } from './stop-canister.ts';

/** Executes calls of the management canister. @upstream rs/execution_environment/src/execution_environment.rs#execute_subnet_message */

type Reply = Result<Uint8Array, UserError>;

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
  const check = isRequest(message) ? checkManagementCall : checkManagementIngress;
  const method = check(round.canisters, message.sender, message.methodName, message.arg);
  const refund = isRequest(message) ? message.cycles : 0n;
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
  switch (method) {
    case 'raw_rand':
      return askForRandomness(round, message);
    case 'stop_canister':
      return stop(round, message);
    case 'create_canister':
      return { reply: createPaidCanister(round, message), refund: 0n };
    case 'deposit_cycles':
      return { reply: depositCycles(round, message), refund: 0n };
    default:
      return {
        reply: yield* dispatchFree(round, message, method),
        refund: isRequest(message) ? message.cycles : 0n,
      };
  }
}

type FreeMethod = Exclude<
  ManagementMethod,
  'raw_rand' | 'stop_canister' | 'create_canister' | 'deposit_cycles'
>;

function* dispatchFree(
  round: RoundState,
  message: SubnetMessage,
  method: FreeMethod,
): SandboxTask<Reply> {
  switch (method) {
    case 'provisional_create_canister_with_cycles':
      return createProvisionalCanister(round, message);
    case 'provisional_top_up_canister':
      return topUp(round, message.arg);
    case 'install_code':
      return yield* install(round, message);
    case 'update_settings':
      return updateSettings(round, message);
    case 'delete_canister':
      return yield* deleteCanister(round, message);
    case 'uninstall_code':
      return onCanister(round, message.arg, (canister) =>
        uninstall(round, canister, message.sender),
      );
    case 'start_canister':
      return onCanister(round, message.arg, (canister) => {
        startCanister(round, canister);
        return ok(emptyReply());
      });
    case 'canister_status':
      return onCanister(round, message.arg, (canister) =>
        ok(canisterStatusReply(round.env, canister)),
      );
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

/** Answered by what stops the canister, unless there is none. */
function stop(round: RoundState, message: SubnetMessage): Answer {
  const reply = onCanister(round, message.arg, (canister) => {
    stopCanister(round, canister, message);
    return ok(emptyReply());
  });
  return reply.ok ? null : { reply, refund: 0n };
}

function badArgument(error: CandidError): Result<never, UserError> {
  return userError(ErrorCode.invalidManagementPayload, `Error decoding candid: ${error.message}`);
}

function onCanister(
  round: RoundState,
  arg: Uint8Array,
  action: (canister: CanisterState) => Reply,
): Reply {
  const canisterId = decodeCanisterId(arg);
  if (!canisterId.ok) {
    return badArgument(canisterId.error);
  }
  const canister = round.canisters.get(canisterId.value);
  return canister === undefined ? err(canisterNotFound(canisterId.value)) : action(canister);
}

/** Creation by a user of a test network: cycles out of nothing. */
function createProvisionalCanister(round: RoundState, message: SubnetMessage): Reply {
  const decoded = decodeCreateCanister(message.arg);
  if (!decoded.ok) {
    return badArgument(decoded.error);
  }
  const { specifiedId, change, amount } = decoded.value;
  const id = specifiedId === undefined ? allocateId(round) : checkSpecifiedId(round, specifiedId);
  if (!id.ok) {
    return id;
  }
  const cycles = amount ?? DEFAULT_PROVISIONAL_CYCLES;
  round.createdCycles += cycles;
  return putNewCanister(round, id.value, message.sender, change, cycles);
}

/** Creation by a canister, which pays for it; the rest of the cycles is the new canister's. */
function createPaidCanister(round: RoundState, message: SubnetMessage): Reply {
  assert(isRequest(message), 'only canisters may call create_canister');
  const decoded = decodeCreateCanister(message.arg);
  if (!decoded.ok) {
    return badArgument(decoded.error);
  }
  const fee = createCanisterFee(round.env);
  if (message.cycles < fee) {
    return userError(
      ErrorCode.insufficientCyclesForCreateCanister,
      `Creating a canister requires a fee of ${fee} that is deducted from the canister's initial balance but only ${message.cycles} cycles were received with the create_canister request.`,
    );
  }
  const id = allocateId(round);
  if (!id.ok) {
    return id;
  }
  const { change } = decoded.value;
  const reply = putNewCanister(round, id.value, message.sender, change, message.cycles - fee);
  round.consume(id.value, fee, 'canisterCreation');
  return reply;
}

function putNewCanister(
  round: RoundState,
  canisterId: CanisterId,
  creator: PrincipalId,
  change: SettingsChange,
  cycles: Cycles,
): Reply {
  round.put(
    createCanisterState({
      height: round.height,
      canisterId,
      controllers: change.controllers ?? [creator],
      cycles,
      settings: { ...DEFAULT_SETTINGS, ...change.settings },
      timeNs: round.timeNs,
      creator,
    }),
  );
  return ok(canisterIdReply(canisterId));
}

function depositCycles(round: RoundState, message: SubnetMessage): Reply {
  assert(isRequest(message), 'only canisters may call deposit_cycles');
  return onCanister(round, message.arg, (canister) => {
    round.put({ ...canister, cycles: canister.cycles + message.cycles });
    return ok(emptyReply());
  });
}

/** The next free id; ids taken by `specified_id` are passed over. */
function allocateId(round: RoundState): Result<CanisterId, UserError> {
  let next = round.canisterIds.next;
  while (next !== undefined && round.canisters.has(canisterIdFromU64(next))) {
    next = idAfter(round.canisterIds, next);
  }
  if (next === undefined) {
    return userError(
      ErrorCode.subnetOversubscribed,
      'Could not create canister. Subnet has surpassed its canister ID allocation.',
    );
  }
  round.canisterIds = { ...round.canisterIds, next: idAfter(round.canisterIds, next) };
  return ok(canisterIdFromU64(next));
}

function checkSpecifiedId(
  round: RoundState,
  canisterId: CanisterId,
): Result<CanisterId, UserError> {
  const name = principalToText(canisterId);
  const number = canisterIdToU64(canisterId);
  if (number === undefined || !isHosted(round.canisterIds, number)) {
    return userError(
      ErrorCode.canisterNotHostedBySubnet,
      `Unsuccessful validation of specified ID: Specified CanisterId ${name} is not hosted by subnet ${principalToText(round.env.subnetId)}.`,
    );
  }
  if (round.canisters.has(canisterId)) {
    return userError(
      ErrorCode.canisterIdAlreadyExists,
      `Unsuccessful canister creation: canister id ${name} already exists.`,
    );
  }
  return ok(canisterId);
}

function topUp(round: RoundState, arg: Uint8Array): Reply {
  const record = decodeRecord(arg);
  const amount = record.ok ? required(natField(record.value, 'amount'), 'amount') : record;
  if (!amount.ok) {
    return badArgument(amount.error);
  }
  return onCanister(round, arg, (canister) => {
    round.createdCycles += amount.value;
    round.credit(canister.canisterId, amount.value);
    return ok(emptyReply());
  });
}

function updateSettings(round: RoundState, message: SubnetMessage): Reply {
  const record = decodeRecord(message.arg);
  const change = record.ok ? decodeSettings(record.value) : record;
  if (!change.ok) {
    return badArgument(change.error);
  }
  return onCanister(round, message.arg, (canister) => {
    round.put(withSettings(round, canister, change.value, message.sender));
    return ok(emptyReply());
  });
}

function withSettings(
  round: RoundState,
  canister: CanisterState,
  change: SettingsChange,
  sender: PrincipalId,
): CanisterState {
  const changed = withLowMemoryHook({
    ...canister,
    controllers: change.controllers ?? canister.controllers,
    settings: { ...canister.settings, ...change.settings },
    version: canister.version + 1n,
  });
  if (change.controllers === undefined) {
    return changed;
  }
  const details = { kind: 'controllersChange', controllers: change.controllers } as const;
  return withChange(changed, round.timeNs, sender, details);
}

function uninstall(round: RoundState, canister: CanisterState, sender: PrincipalId): Reply {
  removeCode(round, canister.canisterId);
  const cleared = round.canister(canister.canisterId);
  round.put(withChange(cleared, round.timeNs, sender, { kind: 'codeUninstall' }));
  return ok(emptyReply());
}

function* deleteCanister(round: RoundState, message: SubnetMessage): SandboxTask<Reply> {
  const checked = onCanister(round, message.arg, (canister) => {
    const name = principalToText(canister.canisterId);
    if (canister.status !== 'stopped') {
      const advice = help('Stop the canister before deleting it.', 'delete-canister-not-stopped');
      return userError(
        ErrorCode.canisterNotStopped,
        `Canister ${name} must be stopped before it is deleted.${advice}`,
      );
    }
    if (hasInput(canister)) {
      return userError(
        ErrorCode.canisterQueueNotEmpty,
        `Canister ${name} has messages in its queues and cannot be deleted now. Please retry after some time.`,
      );
    }
    round.consume(null, canister.cycles + canister.reservedCycles, 'deletedCanisters');
    round.remove(canister.canisterId);
    return ok(emptyReply());
  });
  const canisterId = decodeCanisterId(message.arg);
  if (checked.ok && canisterId.ok) {
    yield { kind: 'forget', canisterId: canisterId.value };
  }
  return checked;
}

function* install(round: RoundState, message: SubnetMessage): SandboxTask<Reply> {
  const decoded = decodeInstallCode(message.arg);
  if (!decoded.ok) {
    return badArgument(decoded.error);
  }
  const done = yield* installCode(round, { ...decoded.value, sender: message.sender });
  return done.ok ? ok(emptyReply()) : done;
}
