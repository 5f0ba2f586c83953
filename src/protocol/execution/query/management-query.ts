import { err, ok, type Result } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import type { CanisterState } from '../../replicated-state/canister-state.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { PrincipalId } from '../../types/ids.ts';
import { canisterNotFound } from '../execute-message.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import { decodeCanisterId } from '../management/arguments.ts';
import { MANAGEMENT_QUERIES, notController } from '../management/methods.ts';
import { canisterLogsReply, canisterStatusReply } from '../management/replies.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';

/** A query of the management canister, by a user or by a canister in a composite query. */
export interface ManagementQuery {
  readonly sender: PrincipalId;
  readonly methodName: string;
  readonly arg: Uint8Array;
}

/** Answers a query of the management canister. @upstream rs/execution_environment/src/query_handler/subnet_query.rs */
export function answerManagementQuery(
  state: ReplicatedState,
  { sender, methodName, arg }: ManagementQuery,
  env: ExecutionEnvironment,
): Result<Uint8Array, UserError> {
  if (!MANAGEMENT_QUERIES.has(methodName)) {
    return userError(ErrorCode.canisterMethodNotFound, `Query method ${methodName} not found.`);
  }
  const canisterId = decodeCanisterId(arg);
  if (!canisterId.ok) {
    return userError(
      ErrorCode.invalidManagementPayload,
      `Error decoding candid: ${canisterId.error.message}`,
    );
  }
  const canister = state.canisters.get(canisterId.value);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId.value));
  }
  if (methodName === 'canister_status') {
    return canister.controllers.includes(sender)
      ? ok(canisterStatusReply(env, canister))
      : err(notController(canister.canisterId, methodName));
  }
  return maySeeLogs(canister, sender)
    ? ok(canisterLogsReply(canister))
    : userError(
        ErrorCode.canisterRejectedMessage,
        `Caller ${principalToText(sender)} is not allowed to access canister logs`,
      );
}

function maySeeLogs(canister: CanisterState, sender: PrincipalId): boolean {
  const { logVisibility } = canister.settings;
  switch (logVisibility.kind) {
    case 'public':
      return true;
    case 'controllers':
      return canister.controllers.includes(sender);
    case 'allowedViewers':
      return canister.controllers.includes(sender) || logVisibility.viewers.includes(sender);
  }
}
