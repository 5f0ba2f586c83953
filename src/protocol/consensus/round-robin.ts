import type { Mutations } from '../artifact-pool/change-action.ts';
import { NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import type { Role, RoleContext } from './role-context.ts';

export interface RoundRobinAnswer {
  readonly mutations: Mutations;
  /** Where to begin next time: after the role that answered. */
  readonly next: number;
}

/**
 * Asks the roles in turn, beginning at `cursor`; the first one with something to do wins, so that no role
 * can starve another. Upstream: rs/consensus/utils/src/lib.rs#RoundRobin.
 */
export function callNext(
  roles: readonly Role[],
  cursor: number,
  context: RoleContext,
): RoundRobinAnswer {
  for (let i = 0; i < roles.length; i += 1) {
    const index = (cursor + i) % roles.length;
    const mutations = (roles[index] as Role)(context);
    if (mutations.length > 0) {
      return { mutations, next: (index + 1) % roles.length };
    }
  }
  return { mutations: NO_MUTATIONS, next: cursor };
}
