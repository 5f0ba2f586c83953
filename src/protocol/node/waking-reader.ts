import {
  MAX_WAKING_HOLD_NS,
  MAX_WAKING_REQUESTS,
  SLEEP_NS,
  WAKING_TOLERANCE_NS,
} from '../limits/interface.ts';
import type { TimeNs } from '../types/ids.ts';
import type { HttpRequest, OperationId } from './node-io.ts';

interface Reading {
  readonly requestId: OperationId;
  readonly request: HttpRequest;
}

/**
 * Keeps queries and reads back while a node that slept, or was just started, holds only states of
 * before: a client would refuse their certificates as too old, and set its own clock by them.
 *
 * Liveness: what waits is served with the first state of after the sleep, and in any case once
 * `MAX_WAKING_HOLD_NS` have passed, so that a subnet that makes no blocks still answers.
 */
export class WakingReader {
  private readonly waiting = new Map<OperationId, Reading>();
  private lastNs: TimeNs | null = null;
  /** When the node came to itself; null = it knows a state of after that. */
  private wokeNs: TimeNs | null = null;

  /** To be told the clock at each step, before anything is served. */
  observe(nowNs: TimeNs): void {
    if (this.lastNs === null || nowNs - this.lastNs >= SLEEP_NS) {
      this.wokeNs = nowNs;
    }
    this.lastNs = nowNs;
  }

  /**
   * True when the request is kept back; `takeReady` gives it out.
   * @param certifiedNs time of the newest certified state; undefined = there is none to be refused
   */
  holds(requestId: OperationId, request: HttpRequest, certifiedNs: TimeNs | undefined): boolean {
    const isReading = /\/(?:query|read_state)$/u.test(request.path);
    if (!isReading || this.isAwake(certifiedNs) || this.waiting.size >= MAX_WAKING_REQUESTS) {
      return false;
    }
    this.waiting.set(requestId, { requestId, request });
    return true;
  }

  cancel(requestId: OperationId): void {
    this.waiting.delete(requestId);
  }

  /** What need not wait any longer, in the order of its coming. */
  takeReady(certifiedNs: TimeNs | undefined): readonly Reading[] {
    if (this.waiting.size === 0 || !this.isAwake(certifiedNs)) {
      return [];
    }
    const ready = [...this.waiting.values()];
    this.waiting.clear();
    return ready;
  }

  nextTimeoutNs(): TimeNs | null {
    return this.waiting.size === 0 || this.wokeNs === null
      ? null
      : this.wokeNs + MAX_WAKING_HOLD_NS;
  }

  private isAwake(certifiedNs: TimeNs | undefined): boolean {
    const { wokeNs, lastNs } = this;
    if (wokeNs !== null && lastNs !== null) {
      const isFresh = certifiedNs === undefined || certifiedNs + WAKING_TOLERANCE_NS >= wokeNs;
      if (!isFresh && lastNs < wokeNs + MAX_WAKING_HOLD_NS) {
        return false;
      }
      this.wokeNs = null;
    }
    return true;
  }
}
