import type { CallView, MessageView } from '../../wire/projection.ts';
import { hosts, type SubnetProjections } from '../../wire/project-subnets.ts';
import { callerOf } from '../../wire/project-streams.ts';
import { directionOf } from './streams.ts';

/**
 * How far a call is, as far as the page was told: nothing heard of it, its callee's subnet took it in,
 * its callee is at work on it, the callee's subnet answered it, or its caller has the answer.
 */
export type CallState =
  | 'open'
  | 'arrived'
  | 'calling'
  | 'answered'
  | 'replied'
  | 'rejected'
  | 'trapped';

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
    const [from, to] = [hostOf(callerOf(call.call)), hostOf(call.canisterId)];
    const progress = children.length > 0 ? 'calling' : progressOf(subnets, call, from, to);
    return {
      key: call.call,
      canisterId: call.canisterId,
      method: call.method,
      subnet: to,
      callerSubnet: from,
      height: call.height,
      ...stateOf(call.answer?.outcome, messages.get(call.call)?.outcome, progress),
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
      ...stateOf(message?.outcome, undefined, 'calling'),
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

/** How far a call is whose callee called nobody and told of no end. */
function progressOf(
  subnets: SubnetProjections,
  call: CallView,
  from: number,
  to: number,
): 'open' | 'arrived' | 'calling' {
  if (!hasArrived(subnets, call, from, to)) {
    return 'open';
  }
  const callee = subnets[to]?.canisters.find(({ facts }) => facts.canisterId === call.canisterId);
  return callee?.facts.queues.inputs === 0 ? 'calling' : 'arrived';
}

/** At once on one subnet; else the signals of the callee's subnet reach beyond what was sent by then. */
function hasArrived(
  subnets: SubnetProjections,
  { caller, height }: CallView,
  from: number,
  to: number,
): boolean {
  const { sender, taken } = directionOf(subnets, from, to);
  if (from === to || sender === undefined || sender.height < height) {
    return from === to && from >= 0;
  }
  const view = subnets[from]?.canisters.find(({ facts }) => facts.canisterId === caller);
  const later = sender.moves.filter((move) => move.height > height);
  const sentSince = later.reduce((sum, { enqueued }) => sum + enqueued, 0);
  return view?.facts.queues.outputs === 0 && taken >= sender.facts.end - sentSince;
}

/**
 * @param outcome as the caller heard it
 * @param ended as the callee's subnet told it
 * @param progress while neither has told of an end
 */
function stateOf(
  outcome: string | undefined,
  ended: string | undefined,
  progress: CallState,
): Pick<CallNode, 'state' | 'reason'> {
  if (outcome === undefined) {
    return { state: ended === undefined ? progress : 'answered', reason: null };
  }
  return outcome === 'replied'
    ? { state: 'replied', reason: null }
    : { state: TRAP.test(ended ?? outcome) ? 'trapped' : 'rejected', reason: outcome };
}

export function isUnderWay({ state }: Pick<CallNode, 'state'>): boolean {
  return state === 'open' || state === 'calling' || state === 'answered';
}
