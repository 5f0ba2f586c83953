import { err, ok, type Result } from '../../../base/result.ts';
import { MANAGEMENT_CANISTER_ID } from '../../crypto/principal.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import { checkAffordable, ingressInductionFee } from '../cycles-account-manager.ts';
import { canisterNotFound, COMPOSITE_IN_REPLICATED_MODE, refusalOf } from '../execute-message.ts';
import type { ExecutionEnvironment } from '../execution-environment.ts';
import { checkManagementIngress } from '../management/methods.ts';
import { isRegistry, registryCallRefusal } from '../registry-call.ts';
import { runOnSandbox, systemApiInput, type SandboxTask } from '../run-on-sandbox.ts';
import { ErrorCode, executionError, type UserError } from '../user-error.ts';
import { readOnlyRun, withModule } from './read-only-run.ts';
import type { CanisterId } from '../../types/ids.ts';
import type { Query } from './execute-query.ts';

/**
 * Whether a canister takes an ingress message: the management canister's filter, or the canister's
 * `canister_inspect_message`. Runs on the latest state.
 * @upstream rs/execution_environment/src/execution_environment.rs#should_accept_ingress_message
 */
export function* inspectIngress(
  state: ReplicatedState,
  call: Query,
  payloadBytes: number,
  env: ExecutionEnvironment,
): SandboxTask<Result<null, UserError>> {
  if (call.canisterId === MANAGEMENT_CANISTER_ID) {
    const method = checkManagementIngress(state.canisters, call.sender, call.methodName, call.arg);
    return method.ok ? ok(null) : method;
  }
  if (state.registry !== null && isRegistry(state, call.canisterId)) {
    const refusal = registryCallRefusal(state.registry, call);
    return refusal === undefined ? ok(null) : err(refusal);
  }
  const found = state.canisters.get(call.canisterId);
  if (found === undefined) {
    return err(canisterNotFound(call.canisterId as CanisterId));
  }
  const fee = ingressInductionFee(env, payloadBytes);
  const refusal =
    checkAffordable(env, found, fee, found.controllers.includes(call.sender)) ?? refusalOf(found);
  if (refusal !== undefined) {
    return err(refusal);
  }
  const target = withModule(found);
  if (!target.ok) {
    return target;
  }
  const { canister, execution } = target.value;
  if (execution.exports.includes(`canister_composite_query ${call.methodName}`)) {
    return err(COMPOSITE_IN_REPLICATED_MODE);
  }
  const name = 'canister_inspect_message';
  if (!execution.exports.includes(name)) {
    return ok(null);
  }
  const { sender: caller, methodName, arg, callerInfo } = call;
  const entry = { context: 'inspectMessage', caller, methodName, arg, callerInfo } as const;
  const input = systemApiInput(env, canister, state.timeNs, entry);
  const limit = env.limits.inspectInstructions;
  const run = yield* runOnSandbox(
    readOnlyRun(target.value, name, input, limit),
    execution,
    execution.wasm,
  );
  if (!run.outcome.ok) {
    return err(executionError(canister.canisterId, run.outcome.error));
  }
  const rejected = {
    code: ErrorCode.canisterRejectedMessage,
    message: 'Canister rejected the message',
  };
  return run.effects.acceptedMessage
    ? ok(null)
    : err(executionError(canister.canisterId, rejected));
}
