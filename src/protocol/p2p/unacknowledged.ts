import { NS_PER_MS, RETRY_FACTOR, RETRY_FIRST_MS, RETRY_LIMIT_MS } from './limits.ts';

interface Pending {
  /** When it was first sent. */
  readonly sentNs: number;
  dueNs: number;
  backoffMs: number;
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
 */
export class Unacknowledged {
  readonly pending = new Map<number, Pending>();
  private earliestNs = Number.POSITIVE_INFINITY;
  private stale = false;

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
    const known = this.pending.get(slotId);
    if (known !== undefined) {
      const tookNs = nowNs - known.sentNs;
      const { answerNs } = this;
      this.learn(
        answerNs === 0 ? tookNs : Math.floor(((SMOOTHING - 1) * answerNs + tookNs) / SMOOTHING),
      );
      this.remove(slotId, known);
    }
  }

  delete(slotId: number): void {
    const known = this.pending.get(slotId);
    if (known !== undefined) {
      this.remove(slotId, known);
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
      for (const { dueNs } of this.pending.values()) {
        this.earliestNs = Math.min(this.earliestNs, dueNs);
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
    this.pending.set(slotId, { sentNs, dueNs, backoffMs });
    this.earliestNs = Math.min(this.earliestNs, dueNs);
  }

  private remove(slotId: number, known: Pending): void {
    this.pending.delete(slotId);
    this.stale ||= known.dueNs === this.earliestNs;
  }
}
