import { hosts, type SubnetProjections } from '../../wire/project-subnets.ts';
import { callerOf } from '../../wire/project-streams.ts';

/** A call with those that were made for it. */
export interface CallNode {
  readonly key: string;
  /** As hex. */
  readonly canisterId: string;
  /** Null where the page did not see the call itself, only what came of it. */
  readonly method: string | null;
  /** Place in the topology of the subnet that hosts the callee; -1 = none. */
  readonly subnet: number;
  /** Of the caller's subnet, or of the block that ran it for a user's call. */
  readonly height: number;
  /** Null while nobody has answered. */
  readonly outcome: string | null;
  /** Blocks of the caller's subnet until it had the answer; null = none yet, or a user called. */
  readonly blocks: number | null;
  readonly children: readonly CallNode[];
}

/** Deeper than the IC lets a tree of calls grow in practice; it also ends what a false report closes to a ring. */
const MAX_DEPTH = 20;

/** The newest calls that users and timers began and that led to others, newest first. */
export function callTrees(subnets: SubnetProjections): readonly CallNode[] {
  const calls = subnets.flatMap((subnet) => subnet.calls);
  const messages = subnets.flatMap((subnet) => subnet.messages);
  const hostOf = (canisterId: string): number =>
    subnets.findIndex(({ topology, subnetIndex }) =>
      hosts(topology.subnets[subnetIndex], canisterId),
    );
  const nodeOf = (call: (typeof calls)[number], depth: number): CallNode => ({
    key: call.call,
    canisterId: call.canisterId,
    method: call.method,
    subnet: hostOf(call.canisterId),
    height: call.height,
    outcome: call.answer?.outcome ?? null,
    blocks: call.answer === null ? null : call.answer.height - call.height,
    children: childrenOf(call.call, depth + 1),
  });
  const childrenOf = (parent: string, depth: number): readonly CallNode[] =>
    depth > MAX_DEPTH
      ? []
      : calls.filter((call) => call.parent === parent).map((call) => nodeOf(call, depth));
  const known = new Set(calls.map(({ call }) => call));
  const began = calls.filter(({ parent }) => parent === null || !known.has(parent));
  const roots = new Map<string, CallNode>();
  for (const call of began) {
    const key = call.parent ?? call.call;
    const message = messages.find(({ messageId }) => messageId === key);
    if (!roots.has(key)) {
      roots.set(
        key,
        call.parent === null
          ? nodeOf(call, 0)
          : {
              key,
              canisterId: call.caller,
              method: message?.method ?? null,
              subnet: hostOf(callerOf(call.call)),
              height: message?.height ?? call.height,
              outcome: message?.outcome ?? null,
              blocks: null,
              children: childrenOf(key, 0),
            },
      );
    }
  }
  return [...roots.values()].toReversed();
}
