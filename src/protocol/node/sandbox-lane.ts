import { assert } from '../../base/assert.ts';
import type { RoundTask, SandboxTask } from '../execution/run-on-sandbox.ts';
import type { SandboxReply } from '../interfaces/wasm-host.ts';
import type { NodeEffect, OperationId } from './node-io.ts';

/**
 * Runs sandbox tasks one after the other: a task waits at each request until the host has answered
 * it, and consensus goes on meanwhile. Only what a task asks to run side by side has several
 * requests open at a time.
 */
export class SandboxLane {
  readonly #lane: 'replicated' | 'query';
  readonly #capacity: number;
  readonly #nextOperation: () => OperationId;
  #waiting: Job[] = [];
  #isBusy = false;
  readonly #open = new Map<OperationId, Job>();
  #effects: NodeEffect[] = [];

  constructor(lane: 'replicated' | 'query', capacity: number, nextOperation: () => OperationId) {
    this.#lane = lane;
    this.#capacity = capacity;
    this.#nextOperation = nextOperation;
  }

  /** Tasks that wait or run. */
  get size(): number {
    return this.#waiting.length + (this.#isBusy ? 1 : 0);
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#capacity;
  }

  /**
   * Queues a task; false when the lane is full. The task is created when its turn comes, so that
   * it sees what the tasks before it did.
   */
  offer<T>(start: () => RoundTask<T> | SandboxTask<T>, done: (value: T) => void): boolean {
    if (this.isFull) {
      return false;
    }
    this.#waiting.push(
      jobOf(start, (value) => {
        this.#isBusy = false;
        done(value);
      }),
    );
    return true;
  }

  /** True when the reply was for this lane. */
  reply(operationId: OperationId, reply: SandboxReply): boolean {
    const job = this.#open.get(operationId);
    if (job === undefined) {
      return false;
    }
    this.#open.delete(operationId);
    this.#advance(job, reply);
    return true;
  }

  /** Starts what can start and returns the new requests to the host. */
  takeEffects(): readonly NodeEffect[] {
    while (!this.#isBusy) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        break;
      }
      assert(this.#open.size === 0, 'a task ends when all its requests are answered');
      this.#isBusy = true;
      this.#advance(next, null);
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #advance(job: Job, reply: SandboxReply | null): void {
    const request = job.resume(reply);
    if (request === null) {
      return;
    }
    if (request.kind === 'concurrently') {
      this.#advanceAll(job, request.tasks);
      return;
    }
    const operationId = this.#nextOperation();
    this.#open.set(operationId, job);
    this.#effects.push({ kind: 'sandbox', operationId, lane: this.#lane, request });
  }

  #advanceAll(parent: Job, tasks: readonly SandboxTask<void>[]): void {
    let left = tasks.length;
    const ended = (): void => {
      left -= 1;
      if (left === 0) {
        this.#advance(parent, null);
      }
    };
    for (const task of tasks) {
      this.#advance(
        jobOf(() => task, ended),
        null,
      );
    }
  }
}

type TaskRequest = Exclude<ReturnType<RoundTask<unknown>['next']>, { done: true }>['value'];

/** A started or waiting task without its result type. */
interface Job {
  /** Starts or goes on after tasks side by side (null), or goes on with a reply; null = it ended. */
  resume(reply: SandboxReply | null): TaskRequest | null;
}

function jobOf<T>(start: () => RoundTask<T> | SandboxTask<T>, done: (value: T) => void): Job {
  let task: RoundTask<T> | SandboxTask<T> | null = null;
  return {
    resume(reply) {
      task ??= start();
      // A task that asks the sandbox only is never resumed with null but at its start.
      const step = (task as RoundTask<T>).next(reply);
      if (step.done === true) {
        done(step.value);
        return null;
      }
      return step.value;
    },
  };
}
