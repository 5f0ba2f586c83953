import type { CallView, MessageView } from '../../wire/projection.ts';
import { hosts, type SubnetProjections } from '../../wire/project-subnets.ts';
import { callerOf } from '../../wire/project-streams.ts';

/**
 * How far a call is, as far as the page was told: nothing heard of it, its callee called others, the
 * callee's subnet answered it, or its caller has the answer.
 */
export type CallState = 'open' | 'calling' | 'answered' | 'replied' | 'rejected' | 'trapped';

/** A call with those that were made for it. */
export interface CallNode {
  readonly key: string;
  /** As hex. */
  readonly canisterId: string;
  /** Null where the page did not see the call itself, only what came of it. */
  readonly method: string | null;
  /** Place in the topology of the subnet that hosts the callee; -1 = none. */
  readonly subnet: number;
  /** The same of the caller; null = a user, a timer, or nobody knows. */
  readonly callerSubnet: number | null;
  /** Of the caller's subnet, or of the block that ran it for a user's call. */
  readonly height: number;
  readonly state: CallState;
  /** Why it was rejected. */
  readonly reason: string | null;
  /** Blocks of the caller's subnet until it had the answer; null = none yet, or a user called. */
  readonly blocks: number | null;
  /** Network time for the same, ms. */
  readonly tookMs: number | null;
  readonly children: readonly CallNode[];
}

/** Deeper than the IC lets a tree of calls grow in practice; it also ends what a false report closes to a ring. */
const MAX_DEPTH = 20;
/** A trap of the system's own, and of `ic0.trap`; a canister that passes such a text on says IC0406 first. */
const TRAP = /^IC050[23]\b/u;

/** The newest calls that users and timers began and that led to others, newest first. */
export function callTrees(subnets: SubnetProjections): readonly CallNode[] {
  const calls = subnets
    .flatMap((subnet) => subnet.calls)
    .toSorted((a, b) => Number(a.timeNs - b.timeNs));
  const messages = new Map(
    subnets.flatMap((subnet) => subnet.messages.map((message) => [nameOf(message), message])),
  );
  const below = new Map<string, readonly CallView[]>();
  for (const call of calls) {
    if (call.parent !== null) {
      below.set(call.parent, [...(below.get(call.parent) ?? []), call]);
    }
  }
  const hostOf = (canisterId: string): number =>
    subnets.findIndex(({ topology, subnetIndex }) =>
      hosts(topology.subnets[subnetIndex], canisterId),
    );
  const nodeOf = (call: CallView, depth: number): CallNode => {
    const children = childrenOf(call.call, depth + 1);
    return {
      key: call.call,
      canisterId: call.canisterId,
      method: call.method,
      subnet: hostOf(call.canisterId),
      callerSubnet: hostOf(callerOf(call.call)),
      height: call.height,
      ...stateOf(call.answer?.outcome, messages.get(call.call)?.outcome, children),
      blocks: call.answer === null ? null : call.answer.height - call.height,
      tookMs: call.answer === null ? null : Number(call.answer.timeNs - call.timeNs) / 1e6,
      children,
    };
  };
  const childrenOf = (parent: string, depth: number): readonly CallNode[] =>
    depth > MAX_DEPTH ? [] : (below.get(parent) ?? []).map((call) => nodeOf(call, depth));
  const rootOf = (key: string, call: CallView): CallNode => {
    const message = messages.get(key);
    const children = childrenOf(key, 0);
    return {
      key,
      canisterId: call.caller,
      method: message?.method ?? call.parentMethod,
      subnet: hostOf(callerOf(call.call)),
      callerSubnet: null,
      height: message?.height ?? call.height,
      ...stateOf(message?.outcome, undefined, children),
      blocks: null,
      tookMs: null,
      children,
    };
  };
  const known = new Set(calls.map(({ call }) => call));
  const roots = new Map<string, CallNode>();
  for (const call of calls.filter(({ parent }) => parent === null || !known.has(parent))) {
    const key = call.parent ?? call.call;
    if (!roots.has(key)) {
      roots.set(key, call.parent === null ? nodeOf(call, 0) : rootOf(key, call));
    }
  }
  return [...roots.values()].toReversed();
}

/** A call between canisters has the height of its end behind its name. */
function nameOf({ messageId }: MessageView): string {
  return messageId.split('@')[0] ?? messageId;
}

/**
 * @param outcome as the caller heard it
 * @param ended as the callee's subnet told it
 */
function stateOf(
  outcome: string | undefined,
  ended: string | undefined,
  children: readonly CallNode[],
): Pick<CallNode, 'state' | 'reason'> {
  if (outcome === undefined) {
    const state = ended !== undefined ? 'answered' : children.length > 0 ? 'calling' : 'open';
    return { state, reason: null };
  }
  return outcome === 'replied'
    ? { state: 'replied', reason: null }
    : { state: TRAP.test(ended ?? outcome) ? 'trapped' : 'rejected', reason: outcome };
}

export function isUnderWay({ state }: Pick<CallNode, 'state'>): boolean {
  return state === 'open' || state === 'calling' || state === 'answered';
}
