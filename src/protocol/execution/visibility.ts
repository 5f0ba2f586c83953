import type { CanisterState, Visibility } from '../replicated-state/canister-state.ts';
import type { PrincipalId } from '../types/ids.ts';

/** Whether a setting lets a principal look; controllers always may. */
export function isVisible(
  canister: CanisterState,
  visibility: Visibility,
  caller: PrincipalId,
): boolean {
  if (visibility.kind === 'public' || canister.controllers.includes(caller)) {
    return true;
  }
  return visibility.kind === 'allowedViewers' && visibility.viewers.includes(caller);
}
