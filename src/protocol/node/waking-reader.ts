import {
  MAX_WAKING_HOLD_NS,
  MAX_WAKING_REQUESTS,
  SLEEP_NS,
  WAKING_TOLERANCE_NS,
} from '../limits/interface.ts';
import type { TimeNs } from '../types/ids.ts';
import type { HttpRequest, OperationId } from './node-io.ts';

interface Waiting {
  readonly requestId: OperationId;
  readonly request: HttpRequest;
}

/** What the node knows of its subnet. */
export interface KnownState {
  /** Time of the newest certified state; undefined = there is none to be refused. */
  readonly certifiedNs: TimeNs | undefined;
  /** Blocks that an earlier life of the node had finalized are still executed again. */
  readonly isReplaying: boolean;
}

/**
 * Keeps requests back that the node would judge by a state of before: queries and reads while a node
 * that slept, or was just started, holds only old states (a client would refuse their certificates, and
 * set its own clock by them), and calls too while it replays (its ingress filter would refuse what a
 * client knows to be there).
 *
 * Liveness: what waits is served with the first state that is new enough, and in any case once
 * `MAX_WAKING_HOLD_NS` have passed, so that a subnet that makes no blocks still answers.
 */
export class WakingReader {
  private readonly waiting = new Map<OperationId, Waiting>();
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

  /** True when the request is kept back; `takeReady` gives it out. */
  holds(requestId: OperationId, request: HttpRequest, known: KnownState): boolean {
    if (this.waiting.size >= MAX_WAKING_REQUESTS || !this.waits(request, known)) {
      return false;
    }
    this.waiting.set(requestId, { requestId, request });
    return true;
  }

  cancel(requestId: OperationId): void {
    this.waiting.delete(requestId);
  }

  /** What need not wait any longer, in the order of its coming. */
  takeReady(known: KnownState): readonly Waiting[] {
    const ready = [...this.waiting.values()].filter(({ request }) => !this.waits(request, known));
    for (const { requestId } of ready) {
      this.waiting.delete(requestId);
    }
    return ready;
  }

  nextTimeoutNs(): TimeNs | null {
    return this.waiting.size === 0 || this.wokeNs === null
      ? null
      : this.wokeNs + MAX_WAKING_HOLD_NS;
  }

  private waits({ path }: HttpRequest, { certifiedNs, isReplaying }: KnownState): boolean {
    const { wokeNs, lastNs } = this;
    if (wokeNs === null || lastNs === null) {
      return false;
    }
    const isOld = certifiedNs !== undefined && certifiedNs + WAKING_TOLERANCE_NS < wokeNs;
    if (!(isOld || isReplaying) || lastNs >= wokeNs + MAX_WAKING_HOLD_NS) {
      this.wokeNs = null;
      return false;
    }
    return (isReplaying ? /\/(?:call|query|read_state)$/u : /\/(?:query|read_state)$/u).test(path);
  }
}
