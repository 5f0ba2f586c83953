import { err, ok, type Result } from '../../../base/result.ts';
import { canisterIdFromU64, canisterIdToU64, principalToText } from '../../crypto/principal.ts';
import { DEFAULT_PROVISIONAL_CYCLES } from '../../limits/execution.ts';
import {
  createCanisterState,
  DEFAULT_SETTINGS,
  type CanisterState,
  type IngressMessage,
} from '../../replicated-state/canister-state.ts';
import { idAfter, isHosted } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, Instructions, PrincipalId } from '../../types/ids.ts';
import { canisterNotFound } from '../execute-message.ts';
import { installCode, withChange } from '../install-code.ts';
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
import { checkManagementIngress, type ManagementMethod } from './methods.ts';
import { canisterIdReply, canisterStatusReply, emptyReply } from './replies.ts';

/** Executes calls of the management canister. @upstream rs/execution_environment/src/execution_environment.rs#execute_subnet_message */

type Reply = Result<Uint8Array, UserError>;

/** Executes one call of `aaaaa-aa` and records how it ended. */
export function* executeSubnetMessage(
  round: RoundState,
  message: IngressMessage,
): SandboxTask<void> {
  const used = round.instructionsUsed;
  const method = checkManagementIngress(
    round.canisters,
    message.sender,
    message.methodName,
    message.arg,
  );
  const reply = method.ok ? yield* dispatch(round, message, method.value) : method;
  const instructions: Instructions = round.instructionsUsed - used;
  round.finish(
    message,
    reply.ok ? { kind: 'replied', reply: reply.value } : { kind: 'rejected', error: reply.error },
    instructions,
  );
}

function* dispatch(
  round: RoundState,
  message: IngressMessage,
  method: ManagementMethod,
): SandboxTask<Reply> {
  switch (method) {
    case 'provisional_create_canister_with_cycles':
      return createCanister(round, message);
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
      return onCanister(round, message.arg, (canister) => setRunning(round, canister, 'running'));
    case 'stop_canister':
      // Calls never stay open over a round yet, so a canister stops at once.
      return onCanister(round, message.arg, (canister) => setRunning(round, canister, 'stopped'));
    case 'canister_status':
      return onCanister(round, message.arg, (canister) =>
        ok(canisterStatusReply(round.env, canister)),
      );
  }
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

function setRunning(
  round: RoundState,
  canister: CanisterState,
  status: 'running' | 'stopped',
): Reply {
  if (canister.status !== status) {
    round.put({ ...canister, status, version: canister.version + 1n });
  }
  return ok(emptyReply());
}

function createCanister(round: RoundState, message: IngressMessage): Reply {
  const decoded = decodeCreateCanister(message.arg);
  if (!decoded.ok) {
    return badArgument(decoded.error);
  }
  const { specifiedId, change, amount } = decoded.value;
  const id = specifiedId === undefined ? allocateId(round) : checkSpecifiedId(round, specifiedId);
  if (!id.ok) {
    return id;
  }
  round.put(
    createCanisterState({
      height: round.height,
      canisterId: id.value,
      controllers: change.controllers ?? [message.sender],
      cycles: amount ?? DEFAULT_PROVISIONAL_CYCLES,
      settings: { ...DEFAULT_SETTINGS, ...change.settings },
      timeNs: round.timeNs,
      creator: message.sender,
    }),
  );
  return ok(canisterIdReply(id.value));
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
    round.put({ ...canister, cycles: canister.cycles + amount.value });
    return ok(emptyReply());
  });
}

function updateSettings(round: RoundState, message: IngressMessage): Reply {
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
  const changed: CanisterState = {
    ...canister,
    controllers: change.controllers ?? canister.controllers,
    settings: { ...canister.settings, ...change.settings },
    version: canister.version + 1n,
  };
  if (change.controllers === undefined) {
    return changed;
  }
  const details = { kind: 'controllersChange', controllers: change.controllers } as const;
  return withChange(changed, round.timeNs, sender, details);
}

function uninstall(round: RoundState, canister: CanisterState, sender: PrincipalId): Reply {
  const cleared: CanisterState = {
    ...canister,
    execution: null,
    certifiedData: new Uint8Array(0),
    globalTimerNs: 0n,
    logs: [],
    version: canister.version + 1n,
  };
  round.put(withChange(cleared, round.timeNs, sender, { kind: 'codeUninstall' }));
  return ok(emptyReply());
}

function* deleteCanister(round: RoundState, message: IngressMessage): SandboxTask<Reply> {
  const checked = onCanister(round, message.arg, (canister) => {
    const name = principalToText(canister.canisterId);
    if (canister.status !== 'stopped') {
      const advice = help('Stop the canister before deleting it.', 'delete-canister-not-stopped');
      return userError(
        ErrorCode.canisterNotStopped,
        `Canister ${name} must be stopped before it is deleted.${advice}`,
      );
    }
    if (canister.ingressQueue.length > 0) {
      return userError(
        ErrorCode.canisterQueueNotEmpty,
        `Canister ${name} has messages in its queues and cannot be deleted now. Please retry after some time.`,
      );
    }
    round.canisters = round.canisters.delete(canister.canisterId);
    return ok(emptyReply());
  });
  const canisterId = decodeCanisterId(message.arg);
  if (checked.ok && canisterId.ok) {
    yield { kind: 'forget', canisterId: canisterId.value };
  }
  return checked;
}

function* install(round: RoundState, message: IngressMessage): SandboxTask<Reply> {
  const decoded = decodeInstallCode(message.arg);
  if (!decoded.ok) {
    return badArgument(decoded.error);
  }
  const done = yield* installCode(round, { ...decoded.value, sender: message.sender });
  return done.ok ? ok(emptyReply()) : done;
}
