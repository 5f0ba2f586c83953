import type { SubnetProjections } from '../../wire/project-subnets.ts';

/** A subnet none of whose nodes has the state that its blocks are built on. */
export interface LostState {
  /** Position among the subnets. */
  readonly subnet: number;
  /** Height of the state that is missing. */
  readonly needed: number;
  /** Height of the best state that any of its nodes has. */
  readonly best: number;
}

/**
 * Subnets that cannot go on by themselves, if this stays as it is: all members run, each is below
 * the newest catch-up package, and none fetches the state from another.
 */
function subnetsWithoutState(subnets: SubnetProjections): readonly LostState[] {
  return subnets.flatMap((projection, subnet) => {
    const members = projection.nodes.filter(({ isMember }) => isMember);
    const needed = Math.max(0, ...members.map(({ heights }) => heights.catchUpPackage));
    const best = Math.max(0, ...members.map(({ heights }) => heights.executed));
    const areUp = members.every(
      ({ condition, sync }) =>
        (condition === 'running' || condition === 'catchingUp') && sync === null,
    );
    return areUp && best < needed ? [{ subnet, needed, best }] : [];
  });
}

/** Replaying blocks and finding a peer with the state take a while on a busy machine. */
const PATIENCE_MS = 30_000;

/** Answers those that stay so without getting anywhere, each time it is asked. */
export function createLossWatch(): (
  subnets: SubnetProjections,
  nowMs: number,
) => readonly LostState[] {
  let seen: readonly { readonly state: LostState; readonly sinceMs: number }[] = [];
  return (subnets, nowMs) => {
    seen = subnetsWithoutState(subnets).map((state) => {
      const before = seen.find(
        (one) => one.state.subnet === state.subnet && one.state.best === state.best,
      );
      return { state, sinceMs: before?.sinceMs ?? nowMs };
    });
    return seen.filter(({ sinceMs }) => nowMs - sinceMs >= PATIENCE_MS).map(({ state }) => state);
  };
}
