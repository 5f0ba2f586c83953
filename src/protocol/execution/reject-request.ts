import { principalToText } from '../crypto/principal.ts';
import type { CanisterRequest, CanisterResponse } from '../replicated-state/canister-messages.ts';
import type { RejectReason } from '../replicated-state/streams.ts';
import { guaranteedCallBytes, requestBytes } from './message-memory.ts';
import { hasRoomForRequest } from './queue-capacity.ts';
import type { RoundState } from './round-state.ts';
import { RejectCode } from './user-error.ts';

/**
 * Requests that their receiver does not get, and what their sender is told.
 * @upstream rs/messaging/src/routing/stream_handler.rs#generate_reject_response_for
 */

/** The system's answer to a request that its receiver never saw: all cycles come back. */
export function rejectOf(
  request: CanisterRequest,
  code: number,
  message: string,
): CanisterResponse {
  return {
    kind: 'response',
    originator: request.sender,
    respondent: request.receiver,
    callbackId: request.callbackId,
    refund: request.cycles,
    payload: { kind: 'reject', code, message },
    deadlineNs: request.deadlineNs,
  };
}

/** The system's answer to a request, by why it was not inducted. */
export function rejectText(
  reason: RejectReason,
  request: CanisterRequest,
): readonly [code: number, text: string] {
  const name = principalToText(request.receiver);
  switch (reason) {
    case 'canisterMigrating':
      return [RejectCode.sysTransient, 'Canister migration in progress'];
    case 'canisterNotFound':
      return [RejectCode.destinationInvalid, `Canister ${name} not found`];
    case 'canisterStopped':
      return [RejectCode.canisterError, `Canister ${name} is stopped`];
    case 'canisterStopping':
      return [RejectCode.canisterError, `Canister ${name} is stopping`];
    case 'queueFull':
      return [RejectCode.sysTransient, `Canister ${name} input queue is full`];
    case 'outOfMemory': {
      const bytes = guaranteedCallBytes(requestBytes(request));
      const text = `Cannot induct request. Out of memory: requested ${bytes}`;
      return [RejectCode.canisterError, text];
    }
    case 'unknown':
      return [RejectCode.sysFatal, 'Inducting request failed due to an unknown error'];
  }
}

/** Why a canister of this subnet takes no request now, if it does not; memory apart. */
export function whyNotInducted(
  round: RoundState,
  { receiver, sender }: CanisterRequest,
): RejectReason | undefined {
  const canister = round.find(receiver);
  switch (canister?.status) {
    case undefined:
      return 'canisterNotFound';
    case 'stopped':
      return 'canisterStopped';
    case 'stopping':
      return 'canisterStopping';
    case 'running':
      return hasRoomForRequest(canister, sender) ? undefined : 'queueFull';
  }
}
