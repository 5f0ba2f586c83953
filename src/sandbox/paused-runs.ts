import { present } from '../base/assert.ts';
import type { ResumeRequest, SandboxReply } from '../protocol/interfaces/wasm-host.ts';
import type { CanisterId } from '../protocol/types/ids.ts';
import { BREATH_INSTRUCTIONS, type SliceHooks } from './slice-meter.ts';

/** Thrown into a paused run that is dropped, so that its frames go. */
export class RunAborted {}

/** Slices between which the engine really stops (JSPI): at most one run a canister. */
export class PausedRuns {
  readonly #runs = new Map<CanisterId, PausableRun>();

  /** Runs that hold their memory, paused or not. */
  get size(): number {
    return this.#runs.size;
  }

  /** Runs `start` until its first end of a slice that was not told of yet, or to its end. */
  begin(
    canisterId: CanisterId,
    run: PausableRun,
    start: (hooks: SliceHooks) => Promise<SandboxReply>,
  ): Promise<SandboxReply> {
    this.abort(canisterId);
    this.#runs.set(canisterId, run);
    const ended = (): void => {
      if (this.#runs.get(canisterId) === run) {
        this.#runs.delete(canisterId);
      }
    };
    return run.start(start, ended);
  }

  /** Undefined = nothing of that name is paused. */
  resume({ canisterId, commitAs }: ResumeRequest): Promise<SandboxReply> | undefined {
    const run = this.#runs.get(canisterId);
    return run?.commitAs === commitAs ? run.resume() : undefined;
  }

  abort(canisterId: CanisterId): void {
    this.#runs.get(canisterId)?.abort();
    this.#runs.delete(canisterId);
  }

  close(): void {
    for (const canisterId of [...this.#runs.keys()]) {
      this.abort(canisterId);
    }
  }
}

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

export class PausableRun {
  readonly commitAs: ResumeRequest['commitAs'];
  /** Ends of slices not to stop at: they were told of before. */
  #toPass: number;
  #pause: Settle<void> | null = null;
  #isAborted = false;
  #answer: Settle<SandboxReply> | null = null;

  constructor(commitAs: ResumeRequest['commitAs'], slicesDone: number) {
    this.commitAs = commitAs;
    this.#toPass = slicesDone;
  }

  start(
    run: (hooks: SliceHooks) => Promise<SandboxReply>,
    ended: () => void,
  ): Promise<SandboxReply> {
    const answered = this.#nextAnswer();
    run({
      onSliceEnd: (instructions) => this.#onSliceEnd(instructions),
      breather: { everyInstructions: BREATH_INSTRUCTIONS, onBreath: () => this.#breathe() },
    }).then(
      (reply) => {
        ended();
        this.#answer?.resolve(reply);
      },
      (fault: unknown) => {
        ended();
        this.#answer?.reject(fault);
      },
    );
    return answered;
  }

  resume(): Promise<SandboxReply> {
    const pause = present(this.#pause, 'a run is resumed when it is paused');
    const answered = this.#nextAnswer();
    this.#pause = null;
    pause.resolve();
    return answered;
  }

  /** At once when it is paused, else at its next breath. */
  abort(): void {
    this.#isAborted = true;
    // Nobody waits for the answer of a paused run.
    this.#answer = null;
    this.#pause?.reject(new RunAborted());
  }

  #nextAnswer(): Promise<SandboxReply> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  /** Waiting queries are served meanwhile. */
  async #breathe(): Promise<void> {
    await takeTurns();
    if (this.#isAborted) {
      throw new RunAborted();
    }
  }

  #onSliceEnd(instructions: bigint): void | Promise<void> {
    if (this.#isAborted) {
      throw new RunAborted();
    }
    if (this.#toPass > 0) {
      this.#toPass -= 1;
      return undefined;
    }
    const answer = this.#answer;
    this.#answer = null;
    return new Promise((resolve, reject) => {
      this.#pause = { resolve, reject };
      answer?.resolve({ kind: 'paused', instructions });
    });
  }
}

const waiting: (() => void)[] = [];
let turns: MessageChannel | undefined;

/** Lets the thread's other tasks run first: a timer would wait for milliseconds. */
function takeTurns(): Promise<void> {
  if (turns === undefined) {
    turns = new MessageChannel();
    turns.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = turns;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(null);
  });
}
