import { RESTART_GRACE_NS } from '../limits/consensus.ts';
import type { Height, TimeNs } from '../types/ids.ts';
import type { RoleContext } from './role-context.ts';

/**
 * What a restarted node leaves for later: all nodes may have started at once, and to check and open the
 * dealings of new keys would keep them busy before their first block.
 *
 * Liveness: it ends with the first block above those that were stored, or with the time. Security: what
 * waits are dealings only; shares of keys in force are loaded at once.
 */
export class RestartGrace {
  private storedTo: Height | null = null;
  private endsAtNs: TimeNs | null = null;

  /** The node goes on from what it stored, finalized up to this height; 0 = it stored nothing. */
  begin(storedTo: Height): void {
    this.storedTo = storedTo > 0 ? storedTo : null;
    this.endsAtNs = null;
  }

  /** Nothing once it is over. @param executed height of the newest state */
  during(executed: Height, nowNs: TimeNs): Pick<RoleContext, 'keysWaitUntilNs'> {
    if (this.storedTo === null) {
      return {};
    }
    this.endsAtNs ??= nowNs + RESTART_GRACE_NS;
    if (executed > this.storedTo || nowNs >= this.endsAtNs) {
      this.storedTo = null;
      return {};
    }
    return { keysWaitUntilNs: this.endsAtNs };
  }
}
