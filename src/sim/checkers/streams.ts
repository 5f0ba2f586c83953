import type { StreamFacts, TraceEvent } from '../../protocol/interfaces/trace.ts';
import type { Height, NodeId, SubnetId } from '../../protocol/types/ids.ts';
import { createFirstValues, type Checker } from './checker.ts';

/** Indexes of the stream between two subnets, the highest that honest nodes told of. */
interface Reached {
  begin: number;
  end: number;
  signalsEnd: number;
}

export interface StreamsChecker extends Checker {
  /** Streams that hold messages, or whose receiver has not taken all; empty = all are drained. */
  undrained(): readonly string[];
}

/**
 * Streams between subnets: the same on all honest nodes of a subnet at each height; indexes only
 * grow, by as many messages as were put on, taken and dropped; nothing is taken that was not sent,
 * and nothing is dropped that was not taken.
 * @param subnetOf undefined = a node of no subnet of this network
 */
export function streamsAdvance(subnetOf: (nodeId: NodeId) => SubnetId | undefined): StreamsChecker {
  const reached = new Map<string, Reached>();
  const firstValues = new Map<string, ReturnType<typeof createFirstValues>>();
  /** The last facts of each node about each of its streams. */
  const last = new Map<NodeId, Map<SubnetId, StreamFacts>>();

  const reachedOf = (from: SubnetId, to: SubnetId): Reached => {
    const name = `${from} ${to}`;
    const known = reached.get(name) ?? { begin: 0, end: 0, signalsEnd: 0 };
    reached.set(name, known);
    return known;
  };

  const differs = (own: SubnetId, height: Height, stream: StreamFacts): boolean => {
    const name = `${own} ${stream.subnetId}`;
    const first = firstValues.get(name) ?? createFirstValues();
    firstValues.set(name, first);
    return first(height, JSON.stringify(stream)) !== undefined;
  };

  const jumps = (nodeId: NodeId, stream: StreamFacts): boolean => {
    const ofNode = last.get(nodeId) ?? new Map<SubnetId, StreamFacts>();
    last.set(nodeId, ofNode);
    const before = ofNode.get(stream.subnetId);
    ofNode.set(stream.subnetId, stream);
    return (
      before !== undefined &&
      (stream.end - before.end !== stream.enqueued ||
        stream.begin - before.begin !== stream.collected ||
        stream.signalsEnd - before.signalsEnd !== stream.inducted + stream.rejected)
    );
  };

  const wrongIn = (nodeId: NodeId, own: SubnetId, event: StreamAdvanced): string | undefined => {
    const { height, stream } = event;
    if (differs(own, height, stream)) {
      return 'which another node tells otherwise';
    }
    if (stream.begin > stream.end || jumps(nodeId, stream)) {
      return 'which does not go on from before';
    }
    const there = reachedOf(stream.subnetId, own);
    if (stream.signalsEnd > there.end) {
      return `took messages that were not sent: ${there.end} were`;
    }
    return stream.begin > there.signalsEnd
      ? `dropped messages that were not taken: ${there.signalsEnd} were`
      : undefined;
  };

  const forget = (nodeId: NodeId): void => {
    last.delete(nodeId);
  };

  return {
    rule: 'streamsAdvance',
    fact(nodeId, event) {
      const own = subnetOf(nodeId);
      if (event.kind === 'caughtUp') {
        forget(nodeId);
      }
      if (event.kind !== 'streamAdvanced' || own === undefined) {
        return undefined;
      }
      const { stream, height } = event;
      const wrong = wrongIn(nodeId, own, event);
      const known = reachedOf(own, stream.subnetId);
      known.begin = Math.max(known.begin, stream.begin);
      known.end = Math.max(known.end, stream.end);
      known.signalsEnd = Math.max(known.signalsEnd, stream.signalsEnd);
      return wrong === undefined
        ? undefined
        : `node ${nodeId} at height ${height}: stream to ${stream.subnetId}, ${JSON.stringify(stream)}, ${wrong}`;
    },
    restarted: forget,
    undrained: () =>
      [...reached].flatMap(([name, { begin, end }]) => {
        const [from, to] = name.split(' ') as [SubnetId, SubnetId];
        const { signalsEnd } = reachedOf(to, from);
        return begin === end && signalsEnd === end
          ? []
          : [`${from.slice(0, 8)} to ${to.slice(0, 8)}: ${begin} to ${end}, ${signalsEnd} taken`];
      }),
  };
}

type StreamAdvanced = Extract<TraceEvent, { readonly kind: 'streamAdvanced' }>;
