import { ok, type Result } from '../../../base/result.ts';
import { principalToText } from '../../crypto/principal.ts';
import { isRequest, type SubnetMessage } from '../../replicated-state/canister-messages.ts';
import type { RoundState } from '../round-state.ts';
import { routeOf } from '../routing.ts';
import { ErrorCode, userError, type UserError } from '../user-error.ts';

/** What a subnet does only for its own canisters, and for those of the root subnet. */
const FOR_OWN_CANISTERS: ReadonlySet<string> = new Set([
  'create_canister',
  'http_request',
  'raw_rand',
]);

/**
 * Whether the caller is on a subnet that may ask for this method here (504).
 * @upstream rs/execution_environment/src/ic00_permissions.rs#verify_caller_is_remote_subnet
 */
export function checkCallerSubnet(
  round: RoundState,
  message: SubnetMessage,
): Result<null, UserError> {
  const { topology } = round;
  if (topology === undefined || !isRequest(message) || !FOR_OWN_CANISTERS.has(message.methodName)) {
    return ok(null);
  }
  const subnetId = routeOf(round, message.sender);
  if (subnetId === round.env.subnetId || subnetId === topology.rootSubnetId) {
    return ok(null);
  }
  const name = subnetId === undefined ? 'none' : principalToText(subnetId);
  return userError(
    ErrorCode.canisterContractViolation,
    `Incorrect sender subnet id: ${name}. Sender should be on the same subnet or on the NNS subnet.`,
  );
}
