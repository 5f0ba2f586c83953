import type { TraceEvent } from '../interfaces/trace.ts';
import type { NodeId } from '../types/ids.ts';

/** What a peer can be counted for. An honest peer on a bad line earns none of them. */
export type PenaltyReason =
  | 'PACKET_FROM_STRANGER'
  | 'PACKET_TOO_LARGE'
  | 'PACKET_MALFORMED'
  | 'PACKET_VERSION'
  /** It says more than the share of a step that is its own, for longer than its backlog holds. */
  | 'BACKLOG_FULL'
  | 'SLOT_TABLE_FULL'
  /** Bytes that are not what their name says, or that the owner of the pool refuses. */
  | 'ARTIFACT_REFUSED';

export type PeerPenalties = Readonly<Partial<Record<PenaltyReason, number>>>;

/** Facts of one peer and step: what is beyond them is only counted, or a flood would fill the trace. */
const MAX_TRACED_PER_PEER = 4;

/** Counts what peers did wrong, by peer and reason. Bounded by the members of the subnet. */
export class Penalties {
  private readonly counts = new Map<NodeId, Partial<Record<PenaltyReason, number>>>();
  private readonly tracedNow = new Map<NodeId | null, number>();
  private trace: TraceEvent[] = [];
  private strangers = 0;

  /** @param from null for a sender that is no member of the subnet */
  add(from: NodeId | null, reason: PenaltyReason, message: string): void {
    const count = this.count(from, reason);
    const traced = this.tracedNow.get(from) ?? 0;
    if (traced < MAX_TRACED_PER_PEER) {
      this.tracedNow.set(from, traced + 1);
      this.trace.push({ kind: 'packetRejected', from, code: reason, message, count });
    }
  }

  /** Without a fact of its own: the pool's owner has told it already. */
  count(from: NodeId | null, reason: PenaltyReason): number {
    if (from === null) {
      this.strangers += 1;
      return this.strangers;
    }
    const counts = this.counts.get(from) ?? {};
    const count = (counts[reason] ?? 0) + 1;
    counts[reason] = count;
    this.counts.set(from, counts);
    return count;
  }

  of(peer: NodeId): PeerPenalties {
    return { ...this.counts.get(peer) };
  }

  /** The facts since the last call. */
  takeTrace(): readonly TraceEvent[] {
    const { trace } = this;
    if (trace.length > 0) {
      this.trace = [];
      this.tracedNow.clear();
    }
    return trace;
  }
}
