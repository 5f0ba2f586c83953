import { compareText } from '../base/bytes.ts';
import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import {
  KEPT_CALLS,
  KEPT_MOVES,
  type NetworkProjection,
  type StreamMoveView,
  type StreamView,
} from './projection.ts';
import { keepLast } from './projection-edits.ts';

/** The part of the fold that is about calls between canisters and the streams that carry them. */

type StreamFact = TraceEvent & { readonly kind: 'streamAdvanced' | 'streamRestored' };
type CallFact = TraceEvent & { readonly kind: 'callMade' | 'callAnswered' };

/** All nodes report a round alike; the first report is the news. Indexes add up whatever was missed. */
export function applyStreamFact(
  projection: NetworkProjection,
  { height, stream: facts }: StreamFact,
): NetworkProjection {
  const known = projection.streams.find(({ facts: { subnetId } }) => subnetId === facts.subnetId);
  if (known !== undefined && height <= known.height) {
    return projection;
  }
  const { enqueued, inducted, rejected, collected, sliceHeight } = facts;
  const move: StreamMoveView = { height, enqueued, inducted, rejected, collected };
  const hasMoved = enqueued + inducted + rejected + collected > 0;
  const refusals = facts.refusals.map((refusal) => ({ ...refusal, height }));
  const view: StreamView = {
    facts,
    height,
    lastSlice:
      sliceHeight === null
        ? (known?.lastSlice ?? null)
        : { height, certifiedHeight: sliceHeight, messages: inducted + rejected },
    moves: keepLast([...(known?.moves ?? []), ...(hasMoved ? [move] : [])], KEPT_MOVES),
    refusals: keepLast([...(known?.refusals ?? []), ...refusals], KEPT_MOVES),
  };
  const others = projection.streams.filter((other) => other !== known);
  const streams = [...others, view].toSorted((a, b) =>
    compareText(a.facts.subnetId, b.facts.subnetId),
  );
  return { ...projection, streams };
}

export function applyCallFact(projection: NetworkProjection, event: CallFact): NetworkProjection {
  const { calls } = projection;
  const known = calls.find(({ call }) => call === event.call);
  if (event.kind === 'callMade') {
    if (known !== undefined) {
      return projection;
    }
    const { kind: _kind, ...made } = event;
    // Late subscribers hear of older ones last.
    const all = [...calls, { ...made, answer: null }].toSorted((a, b) => a.height - b.height);
    return { ...projection, calls: keepLast(all, KEPT_CALLS) };
  }
  if (known === undefined || known.answer !== null) {
    return projection;
  }
  const { height, timeNs, outcome } = event;
  const answer = { height, timeNs, outcome };
  return {
    ...projection,
    calls: calls.map((view) => (view === known ? { ...view, answer } : view)),
  };
}

/** The canister that made a call, by the call's name. */
export function callerOf(call: string): string {
  return call.split('#')[0] ?? call;
}
