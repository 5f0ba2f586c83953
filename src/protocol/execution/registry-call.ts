import { principalToText } from '../crypto/principal.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import {
  appendDelta,
  mayChangeRegistry,
  REGISTRY_METHOD,
  registryIdIn,
  type BootstrapRegistry,
} from '../registry/bootstrap-registry.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { CanisterId, PrincipalId } from '../types/ids.ts';
import type { MessageOutcome } from './message-outcome.ts';
import { ErrorCode, type UserError } from './user-error.ts';

/**
 * Calls of the bootstrap registry: no Wasm runs, and nothing is charged, as on a system subnet.
 */
export interface RegistryCall {
  readonly sender: PrincipalId;
  readonly methodName: string;
  readonly arg: Uint8Array;
}

export function isRegistry(
  { registry, canisterIds }: Pick<ReplicatedState, 'registry' | 'canisterIds'>,
  id: CanisterId,
): boolean {
  const [range] = canisterIds.ranges;
  return registry !== null && range !== undefined && registryIdIn(range) === id;
}

/** Why a call is not taken; undefined = it is. What a delta does is seen when it is applied. */
export function registryCallRefusal(
  registry: BootstrapRegistry,
  { sender, methodName }: RegistryCall,
): UserError | undefined {
  if (!mayChangeRegistry(registry, sender)) {
    const message = `${principalToText(sender)} has no operator record that lets it change the registry`;
    return { code: ErrorCode.canisterRejectedMessage, message };
  }
  return methodName === REGISTRY_METHOD
    ? undefined
    : {
        code: ErrorCode.canisterMethodNotFound,
        message: `The registry has no update method '${methodName.slice(0, 64)}'`,
      };
}

/** Applies the delta of a call: as a whole, or not at all. The reply is the new version as text. */
export function executeRegistryCall(
  registry: BootstrapRegistry,
  call: RegistryCall,
): { readonly registry: BootstrapRegistry; readonly outcome: MessageOutcome } {
  const refusal = registryCallRefusal(registry, call);
  if (refusal !== undefined) {
    return { registry, outcome: { kind: 'rejected', error: refusal } };
  }
  const next = appendDelta(registry, call.arg);
  if (!next.ok) {
    const { code, message } = next.error;
    const error = { code: ErrorCode.canisterRejectedMessage, message: `${code}: ${message}` };
    return { registry, outcome: { kind: 'rejected', error } };
  }
  const reply = encodeUtf8(String(next.value.snapshot.version));
  return { registry: next.value, outcome: { kind: 'replied', reply } };
}
