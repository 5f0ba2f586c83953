import { NS_PER_MS, RETRY_FACTOR, RETRY_FIRST_MS, RETRY_LIMIT_MS } from './limits.ts';

/** An update on its way, in a list of all of a peer. */
interface Pending {
  slotId: number;
  /** When it was first sent. */
  sentNs: number;
  dueNs: number;
  backoffMs: number;
  previous: Pending | null;
  next: Pending | null;
}

const NS_IN_MS = Number(NS_PER_MS);
const FIRST_RETRY_NS = RETRY_FIRST_MS * NS_IN_MS;
/**
 * A peer whose answers take long (its processor is shared by forty nodes, its link is slow) is not
 * flooded with repetitions: the first pause is twice what it lately took. @playground QUIC estimates
 * round trips by itself.
 */
const PATIENCE_FACTOR = 2;
const LONGEST_FIRST_RETRY_NS = 4000 * NS_IN_MS;
/** Share of the newest answer in the smoothed time. */
const SMOOTHING = 8;

/**
 * What a reachable peer has not acknowledged, in the order it is to be sent. Times are elapsed
 * nanoseconds: each update has some for each peer.
 *
 * A linked list, found by slot: updates come and go all the time, and a Map that grows and shrinks
 * with them leaves tables behind that keep each other alive until the next major collection
 * (measured: a quarter of what minor collections copied).
 */
export class Unacknowledged {
  /** The one to be sent first; the others follow as `next`. */
  first: Pending | null = null;
  private last: Pending | null = null;
  private readonly bySlot: (Pending | null)[] = [];
  private earliestNs = Number.POSITIVE_INFINITY;
  private stale = false;
  /** Entries to be used again, as `next`: there is one for each update and peer. */
  private spare: Pending | null = null;

  /** Smoothed time from the first sending of an update to its acknowledgement. */
  private answerNs = 0;
  /** First pause before an update is repeated, and the one after it. */
  private firstPauseNs = FIRST_RETRY_NS;
  private secondPauseMs = RETRY_FIRST_MS * RETRY_FACTOR;

  /** Sent now: repeated when the peer takes longer than it is used to, and than the least pause. */
  sent(slotId: number, nowNs: number): void {
    this.put(slotId, nowNs, nowNs + this.firstPauseNs, this.secondPauseMs);
  }

  /** To be sent as soon as there is room. */
  due(slotId: number, nowNs: number): void {
    this.put(slotId, nowNs, nowNs, RETRY_FIRST_MS);
  }

  acknowledged(slotId: number, nowNs: number): void {
    const known = this.bySlot[slotId] ?? null;
    if (known !== null) {
      const tookNs = nowNs - known.sentNs;
      const { answerNs } = this;
      this.learn(
        answerNs === 0 ? tookNs : Math.floor(((SMOOTHING - 1) * answerNs + tookNs) / SMOOTHING),
      );
      this.remove(known);
    }
  }

  delete(slotId: number): void {
    const known = this.bySlot[slotId] ?? null;
    if (known !== null) {
      this.remove(known);
    }
  }

  /** The entry was repeated and is due again later. */
  postpone(pending: Pending, nowNs: number): void {
    pending.dueNs = nowNs + pending.backoffMs * NS_IN_MS;
    pending.backoffMs = Math.min(pending.backoffMs * RETRY_FACTOR, RETRY_LIMIT_MS);
    this.stale = true;
  }

  /** The earliest time at which something is due, or infinity; kept until the entry it stems from changes. */
  nextDueNs(): number {
    if (this.stale) {
      this.stale = false;
      this.earliestNs = Number.POSITIVE_INFINITY;
      for (let pending = this.first; pending !== null; pending = pending.next) {
        this.earliestNs = Math.min(this.earliestNs, pending.dueNs);
      }
    }
    return this.earliestNs;
  }

  private learn(answerNs: number): void {
    if (answerNs !== this.answerNs) {
      this.answerNs = answerNs;
      const patientNs = Math.min(PATIENCE_FACTOR * answerNs, LONGEST_FIRST_RETRY_NS);
      this.firstPauseNs = Math.max(patientNs, FIRST_RETRY_NS);
      this.secondPauseMs = Math.floor(this.firstPauseNs / NS_IN_MS) * RETRY_FACTOR;
    }
  }

  private put(slotId: number, sentNs: number, dueNs: number, backoffMs: number): void {
    this.delete(slotId);
    const { last } = this;
    const pending = this.blank();
    pending.slotId = slotId;
    pending.sentNs = sentNs;
    pending.dueNs = dueNs;
    pending.backoffMs = backoffMs;
    pending.previous = last;
    if (last === null) {
      this.first = pending;
    } else {
      last.next = pending;
    }
    this.last = pending;
    while (this.bySlot.length <= slotId) {
      this.bySlot.push(null);
    }
    this.bySlot[slotId] = pending;
    this.earliestNs = Math.min(this.earliestNs, dueNs);
  }

  private blank(): Pending {
    const { spare } = this;
    if (spare === null) {
      return { slotId: 0, sentNs: 0, dueNs: 0, backoffMs: 0, previous: null, next: null };
    }
    this.spare = spare.next;
    spare.next = null;
    return spare;
  }

  private remove(known: Pending): void {
    const { slotId, previous, next } = known;
    if (previous === null) {
      this.first = next;
    } else {
      previous.next = next;
    }
    if (next === null) {
      this.last = previous;
    } else {
      next.previous = previous;
    }
    known.previous = null;
    known.next = this.spare;
    this.spare = known;
    this.bySlot[slotId] = null;
    this.stale ||= known.dueNs === this.earliestNs;
  }
}
