import { MANAGEMENT_CANISTER_ID, principalToText } from '../crypto/principal.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import { INGRESS_HISTORY_MAX_MESSAGES, MAX_CANISTER_INGRESS_QUEUE } from '../limits/messaging.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { CanisterId } from '../types/ids.ts';
import { isRequest } from '../replicated-state/canister-messages.ts';
import type { IngressMessage } from '../replicated-state/canister-state.ts';
import { isHistoryFull } from '../replicated-state/ingress-history.ts';
import { checkAffordable, ingressInductionFee } from '../execution/cycles-account-manager.ts';
import { canisterNotFound, refusalOf } from '../execution/execute-message.ts';
import { executeRegistryCall, isRegistry } from '../execution/registry-call.ts';
import type { RoundState } from '../execution/round-state.ts';
import { ErrorCode, type UserError } from '../execution/user-error.ts';

/**
 * The valid set rule: which of a block's ingress messages are inducted, and who pays.
 * Security: a message known to the ingress history is never inducted again.
 * @upstream rs/messaging/src/scheduling/valid_set_rule.rs
 */
export function inductIngress(round: RoundState, messages: readonly SignedIngress[]): void {
  for (const signed of messages) {
    inductOne(round, signed);
  }
}

/** Bytes an ingress message pays for. */
export function chargedBytes(message: Pick<SignedIngress, 'arg' | 'methodName' | 'nonce'>): number {
  return message.arg.length + encodeUtf8(message.methodName).length + (message.nonce?.length ?? 0);
}

/** Who pays the induction: the receiver, or the canister a management call is about. */
export function ingressPayer(
  message: Pick<SignedIngress, 'canisterId' | 'effectiveCanisterId' | 'methodName'>,
): CanisterId | undefined {
  if (message.canisterId !== MANAGEMENT_CANISTER_ID) {
    return message.canisterId;
  }
  // Creation is free; settings are free so that a frozen canister can be rescued.
  const free =
    message.methodName.startsWith('provisional_') || message.methodName === 'update_settings';
  return free ? undefined : (message.effectiveCanisterId as CanisterId);
}

function inductOne(round: RoundState, signed: SignedIngress): void {
  if (round.history.entries.has(signed.messageId)) {
    return;
  }
  const message: IngressMessage = {
    messageId: signed.messageId,
    sender: signed.sender,
    canisterId: signed.canisterId,
    effectiveCanisterId: signed.effectiveCanisterId,
    methodName: signed.methodName,
    arg: signed.arg,
    expiryNs: signed.ingressExpiryNs,
    ...(signed.callerInfo === undefined ? {} : { callerInfo: signed.callerInfo }),
  };
  if (round.registry !== null && isRegistry(round, signed.canisterId)) {
    const { registry, outcome } = executeRegistryCall(round.registry, signed);
    round.registry = registry;
    round.finish(message, outcome, 0n);
    return;
  }
  const refusal = inductionError(round, signed);
  if (refusal !== undefined) {
    round.finish(message, { kind: 'rejected', error: refusal }, 0n);
    return;
  }
  const payer = ingressPayer(signed);
  if (payer !== undefined) {
    const fee = ingressInductionFee(round.env, chargedBytes(signed));
    round.charge(payer, fee, 'ingressInduction');
  }
  round.setStatus(message, { kind: 'received' });
  if (signed.canisterId === MANAGEMENT_CANISTER_ID) {
    round.subnetQueue = [...round.subnetQueue, message];
    return;
  }
  const canister = round.canister(signed.canisterId);
  round.put({ ...canister, ingressQueue: [...canister.ingressQueue, message] });
}

/** Of users; those of canisters are bounded by their own queues. */
function waitingManagementCalls(round: RoundState): number {
  return round.subnetQueue.filter((message) => !isRequest(message)).length;
}

function inductionError(round: RoundState, signed: SignedIngress): UserError | undefined {
  if (round.env.subnetType !== 'system' && isHistoryFull(round.history)) {
    const message = `Maximum ingress history capacity ${INGRESS_HISTORY_MAX_MESSAGES} reached`;
    return { code: ErrorCode.ingressHistoryFull, message };
  }
  const payer = ingressPayer(signed);
  const isManagement = signed.canisterId === MANAGEMENT_CANISTER_ID;
  if (isManagement && waitingManagementCalls(round) >= MAX_CANISTER_INGRESS_QUEUE) {
    return {
      code: ErrorCode.canisterQueueFull,
      message: 'The queue of the management canister is full',
    };
  }
  if (payer === undefined) {
    return undefined;
  }
  const canister = round.find(payer);
  if (canister === undefined) {
    return canisterNotFound(payer);
  }
  const fee = ingressInductionFee(round.env, chargedBytes(signed));
  const broke = checkAffordable(
    round.env,
    canister,
    // What is held back while a long message runs is spent already.
    fee + (canister.longExecution?.heldCharges ?? 0n),
    canister.controllers.includes(signed.sender),
  );
  if (broke !== undefined || isManagement) {
    return broke;
  }
  if (canister.ingressQueue.length >= MAX_CANISTER_INGRESS_QUEUE) {
    const message = `Canister ${principalToText(payer)} input queue is full`;
    return { code: ErrorCode.canisterQueueFull, message };
  }
  return refusalOf(canister);
}
