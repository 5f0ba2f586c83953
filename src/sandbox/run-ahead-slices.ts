import type {
  ResumeRequest,
  RunReply,
  RunRequest,
  SandboxReply,
} from '../protocol/interfaces/wasm-host.ts';
import type { CanisterId } from '../protocol/types/ids.ts';

interface PausedRun {
  readonly commitAs: RunRequest['commitAs'];
  /** Instructions of each slice but the last. */
  readonly ends: readonly bigint[];
  readonly reply: RunReply;
  told: number;
}

/**
 * Slices for a host that cannot pause: a run goes to its end at once, and its outcome is kept back
 * until it was resumed as often as a pausing host would have stopped. At most one run a canister.
 */
export class RunAheadSlices {
  readonly #paused = new Map<CanisterId, PausedRun>();

  /** The answer to a run that has ended: where its first slice ended that was not told of yet. */
  begin(
    { canisterId, commitAs, slice }: RunRequest,
    ends: readonly bigint[],
    reply: RunReply,
  ): SandboxReply {
    this.#paused.set(canisterId, { commitAs, ends, reply, told: slice?.done ?? 0 });
    return this.#tell(canisterId);
  }

  resume({ canisterId, commitAs }: ResumeRequest): SandboxReply {
    return this.#paused.get(canisterId)?.commitAs === commitAs
      ? this.#tell(canisterId)
      : { kind: 'notPaused' };
  }

  abort(canisterId: CanisterId): void {
    this.#paused.delete(canisterId);
  }

  #tell(canisterId: CanisterId): SandboxReply {
    const run = this.#paused.get(canisterId);
    if (run === undefined) {
      return { kind: 'notPaused' };
    }
    const instructions = run.ends[run.told];
    if (instructions === undefined) {
      this.#paused.delete(canisterId);
      return run.reply;
    }
    run.told += 1;
    return { kind: 'paused', instructions };
  }
}
