import { assert } from '../../../base/assert.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import { canisterIdFromU64, canisterIdToU64, principalToText } from '../../crypto/principal.ts';
import { DEFAULT_PROVISIONAL_CYCLES } from '../../limits/execution.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import { createCanisterState, DEFAULT_SETTINGS } from '../../replicated-state/canister-state.ts';
import { idAfter, isHosted } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, Cycles, PrincipalId } from '../../types/ids.ts';
import { createCanisterFee } from '../cycles-account-manager.ts';
import type { RoundState } from '../round-state.ts';
import { ErrorCode, help, INTERNAL_HELP, userError, type UserError } from '../user-error.ts';
import { decodeCreateCanister, type SettingsArgument } from './arguments.ts';
import { originOf, type Reply } from './operation.ts';
import { canisterIdReply } from './replies.ts';
import { environmentHash, withSettings } from './settings.ts';

/** New canisters: of users of a test network, and of canisters that pay for them. */

/** Creation by a user of a test network: cycles out of nothing. */
export function createProvisionalCanister(round: RoundState, message: SubnetMessage): Reply {
  const decoded = decodeCreateCanister(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const { specifiedId, amount } = decoded.value;
  const id = specifiedId === undefined ? nextId(round) : checkSpecifiedId(round, specifiedId);
  const cycles = amount ?? DEFAULT_PROVISIONAL_CYCLES;
  const reply = id.ok ? putNewCanister(round, id.value, message, decoded.value, cycles) : id;
  if (reply.ok) {
    round.createdCycles += cycles;
  }
  return reply;
}

/** Creation by a canister, which pays for it; the rest of the cycles is the new canister's. */
export function createPaidCanister(round: RoundState, message: SubnetMessage): Reply {
  assert(isRequest(message), 'only canisters may call create_canister');
  const decoded = decodeCreateCanister(message.arg);
  if (!decoded.ok) {
    return decoded;
  }
  const fee = createCanisterFee(round.env);
  if (message.cycles < fee) {
    const advice = help(
      'Try sending more cycles with the request.',
      'create-canister-not-enough-cycles',
    );
    return userError(
      ErrorCode.insufficientCyclesForCreateCanister,
      `Creating a canister requires a fee of ${fee} that is deducted from the canister's initial balance but only ${message.cycles} cycles were received with the create_canister request.${advice}`,
    );
  }
  const id = nextId(round);
  if (!id.ok) {
    return id;
  }
  const reply = putNewCanister(round, id.value, message, decoded.value, message.cycles - fee);
  if (reply.ok) {
    round.consume(id.value, fee, 'canisterCreation');
  }
  return reply;
}

function putNewCanister(
  round: RoundState,
  canisterId: CanisterId,
  message: SubnetMessage,
  { change, senderVersion }: SettingsArgument,
  cycles: Cycles,
): Reply {
  const { maxCanisters } = round.env.limits;
  if (maxCanisters > 0 && round.canisters.size >= maxCanisters) {
    return userError(
      ErrorCode.maxNumberOfCanistersReached,
      `Subnet ${principalToText(round.env.subnetId)} has reached the allowed canister limit of ${maxCanisters} canisters. Retry creating the canister.${help('Try creating the canister on another subnet.', 'maximum-number-of-canisters-reached')}`,
    );
  }
  const controllers: readonly PrincipalId[] = change.controllers ?? [message.sender];
  const fresh = createCanisterState({
    height: round.height,
    canisterId,
    controllers,
    cycles,
    settings: DEFAULT_SETTINGS,
    timeNs: round.timeNs,
    creator: originOf(message, senderVersion),
    environmentHash: environmentHash(change.settings.environmentVariables),
  });
  const created = withSettings(round, fresh, change);
  if (!created.ok) {
    return created;
  }
  const number = canisterIdToU64(canisterId);
  if (number !== undefined && number === nextFreeId(round)) {
    round.canisterIds = { ...round.canisterIds, next: idAfter(round.canisterIds, number) };
  }
  round.put(created.value.canister);
  round.reserve(canisterId, created.value.reservation);
  return ok(canisterIdReply(canisterId));
}

/** Ids taken by `specified_id` are passed over. */
function nextFreeId(round: RoundState): bigint | undefined {
  let next = round.canisterIds.next;
  while (next !== undefined && round.canisters.has(canisterIdFromU64(next))) {
    next = idAfter(round.canisterIds, next);
  }
  return next;
}

function nextId(round: RoundState): Result<CanisterId, UserError> {
  const next = nextFreeId(round);
  return next === undefined
    ? userError(
        ErrorCode.subnetOversubscribed,
        `Could not create canister. Subnet has surpassed its canister ID allocation.${help('Try creating the canister on another subnet.', 'subnet-out-of-canister-ids')}`,
      )
    : ok(canisterIdFromU64(next));
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
      `Unsuccessful validation of specified ID: Specified CanisterId ${name} is not hosted by subnet ${principalToText(round.env.subnetId)}.${INTERNAL_HELP}`,
    );
  }
  return round.canisters.has(canisterId)
    ? err({
        code: ErrorCode.canisterAlreadyInstalled,
        message: `Canister ${name} is already installed.${INTERNAL_HELP}`,
      })
    : ok(canisterId);
}
