import { err, ok, type Result } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { PrincipalId } from '../../types/ids.ts';
import { canisterNotFound } from '../execute-message.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import { decodeCanisterId } from '../management/arguments.ts';
import { notAllowedToSee } from '../management/errors.ts';
import { checkManagementCall, MANAGEMENT_QUERIES } from '../management/methods.ts';
import {
  canisterLogsReply,
  canisterMetricsReply,
  canisterStatusReply,
} from '../management/replies.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';
import { isVisible } from '../visibility.ts';

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
  if (methodName === 'list_canisters') {
    // For the admins of a subnet; this one has none.
    return userError(
      ErrorCode.invalidSubnetAdmin,
      `Caller ${principalToText(sender)} is not allowed to call ic00 method ${methodName}`,
    );
  }
  const canisterId = decodeCanisterId(arg);
  if (!canisterId.ok) {
    return canisterId;
  }
  const canister = state.canisters.get(canisterId.value);
  if (canister === undefined) {
    return err(canisterNotFound(canisterId.value));
  }
  if (methodName === 'fetch_canister_logs') {
    return isVisible(canister, canister.settings.logVisibility, sender)
      ? ok(canisterLogsReply(canister))
      : err(notAllowedToSee(sender, 'logs'));
  }
  const allowed = checkManagementCall(state.canisters, sender, methodName, arg);
  if (!allowed.ok) {
    return allowed;
  }
  return ok(
    methodName === 'canister_metrics'
      ? canisterMetricsReply(canister)
      : canisterStatusReply(env, canister),
  );
}
