import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { RoundTask, SandboxTask } from '../../src/protocol/execution/run-on-sandbox.ts';
import { SandboxLane } from '../../src/protocol/node/sandbox-lane.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxCall } from '../../src/workers/sandbox/messages.ts';
import {
  createSandboxClient,
  type SandboxClient,
  type SandboxEvents,
} from '../../src/workers/sandbox/sandbox-client.ts';
import { createSandboxPool } from '../../src/workers/sandbox/sandbox-pool.ts';

interface Process {
  readonly events: SandboxEvents;
  readonly sandbox: ReturnType<typeof createSandbox>;
  readonly calls: SandboxCall[];
  answered: number;
}

/** Requests that one worker has at a time, one for each thread: a new one answers those of the old first. */
const MOST_OPEN = 4;

/**
 * The pool of sandbox workers of a node with real sandboxes, in one thread: each takes its requests
 * in order, and chance says which of them is done next.
 */
export class SandboxWorkers {
  /** Most workers that had something to do at one time. */
  busiest = 0;
  readonly faults: string[] = [];
  kills = 0;
  readonly #random: Prng;
  readonly #killPercent: number;
  readonly #pool: SandboxClient;
  #processes: Process[] = [];

  /** @param killPercent how often a worker dies instead of answering; never twice on one request */
  constructor(workers: number, random: Prng, killPercent = 0) {
    this.#random = random;
    this.#killPercent = killPercent;
    this.#pool = createSandboxPool(
      Array.from({ length: workers }, () =>
        createSandboxClient({
          start: (events) => this.#start(events),
          timers: { set: () => undefined, clear: () => undefined },
          onFatal: (reason) => this.faults.push(reason),
        }),
      ),
    );
  }

  running(): number {
    return this.#pool.running();
  }

  close(): void {
    this.#pool.close();
  }

  /** Runs a task as a node does: through its lane. */
  readonly run = <T>(task: RoundTask<T> | SandboxTask<T>): T => {
    let operations = 0;
    const ended: T[] = [];
    const lane = new SandboxLane('replicated', 1, () => (operations += 1));
    lane.offer(
      () => task,
      (value) => ended.push(value),
    );
    while (ended.length === 0) {
      const effects = lane.takeEffects();
      for (const effect of effects) {
        assert(effect.kind === 'sandbox', 'a lane asks sandboxes only');
        this.#pool.request(effect.request, (reply) => lane.reply(effect.operationId, reply));
      }
      // A client answers for its process what it knows itself, and the lane asks on.
      if (effects.length === 0 && ended.length === 0) {
        this.#answerOne();
      }
    }
    return ended[0] as T;
  };

  #answerOne(): void {
    const busy = this.#processes.filter(({ calls }) => calls.length > 0);
    this.busiest = Math.max(this.busiest, busy.length);
    const process = busy[this.#random.below(busy.length)];
    assert(process !== undefined, 'a task that waits has asked somebody');
    if (process.answered > MOST_OPEN && this.#random.chance(this.#killPercent, 100)) {
      this.kills += 1;
      process.events.onExit('killed');
      return;
    }
    process.answered += 1;
    const call = process.calls.shift();
    assert(call !== undefined, 'a busy process has a call');
    process.events.onAnswer({ id: call.id, reply: process.sandbox.handle(call.request) });
  }

  #start(events: SandboxEvents) {
    const process = { events, sandbox: createSandbox(), calls: [] as SandboxCall[], answered: 0 };
    this.#processes.push(process);
    return {
      post: (call: SandboxCall) => process.calls.push(call),
      terminate: () => {
        process.sandbox.close();
        this.#processes = this.#processes.filter((one) => one !== process);
      },
    };
  }
}
