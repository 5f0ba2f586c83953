import { canisterIdToU64 } from '../crypto/principal.ts';
import type { PrincipalId } from '../types/ids.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { ErrorCode, type UserError } from './user-error.ts';

/** Calls that canisters may make, by the kind of their subnet. */

/** Methods of the management canister that hand cycles to another canister. */
const HANDS_CYCLES: ReadonlySet<string> = new Set(['create_canister', 'deposit_cycles']);

interface Call {
  readonly sender: PrincipalId;
  readonly receiver: PrincipalId;
  readonly methodName: string;
}

/**
 * Why a canister of this subnet may not make a call, if so. Canisters of a data subnet answer calls but make none
 * to others and send no cycles; they may call themselves and ask the system. The words are the IC's for what a
 * subnet does not offer (IC0504). @upstream rs/execution_environment/src/execution_environment.rs#execute_subnet_message
 */
export function callRefusal(
  env: ExecutionEnvironment,
  { sender, receiver, methodName }: Call,
): UserError | undefined {
  const isOfSystem = canisterIdToU64(receiver) === undefined;
  if (
    env.specialization !== 'data' ||
    sender === receiver ||
    (isOfSystem && !HANDS_CYCLES.has(methodName))
  ) {
    return undefined;
  }
  return {
    code: ErrorCode.canisterContractViolation,
    message: 'This API is not enabled on this subnet',
  };
}
