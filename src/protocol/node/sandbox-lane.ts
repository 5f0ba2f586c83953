import { assert } from '../../base/assert.ts';
import type { SandboxReply, SandboxRequest } from '../interfaces/wasm-host.ts';
import type { NodeEffect, OperationId } from './node-io.ts';

/** A computation that asks the sandbox in between. */
export type SandboxTask<T> = Generator<SandboxRequest, T, SandboxReply>;

/**
 * Runs sandbox tasks one after the other: a task waits at each request until the host has answered
 * it, and consensus goes on meanwhile.
 */
export class SandboxLane {
  private readonly lane: 'replicated' | 'query';
  private readonly capacity: number;
  private readonly nextOperation: () => OperationId;
  private waiting: Job[] = [];
  private current: Job | null = null;
  private openOperation: OperationId | null = null;
  private effects: NodeEffect[] = [];

  constructor(lane: 'replicated' | 'query', capacity: number, nextOperation: () => OperationId) {
    this.lane = lane;
    this.capacity = capacity;
    this.nextOperation = nextOperation;
  }

  /** Tasks that wait or run. */
  get size(): number {
    return this.waiting.length + (this.current === null ? 0 : 1);
  }

  get isFull(): boolean {
    return this.waiting.length >= this.capacity;
  }

  /**
   * Queues a task; false when the lane is full. The task is created when its turn comes, so that
   * it sees what the tasks before it did.
   */
  offer<T>(start: () => SandboxTask<T>, done: (value: T) => void): boolean {
    if (this.isFull) {
      return false;
    }
    this.waiting.push(jobOf(start, done));
    return true;
  }

  /** True when the reply was for this lane. */
  reply(operationId: OperationId, reply: SandboxReply): boolean {
    if (operationId !== this.openOperation || this.current === null) {
      return false;
    }
    this.openOperation = null;
    this.advance(this.current, reply);
    return true;
  }

  /** Starts what can start and returns the new requests to the host. */
  takeEffects(): readonly NodeEffect[] {
    while (this.current === null) {
      const next = this.waiting.shift();
      if (next === undefined) {
        break;
      }
      this.current = next;
      this.advance(next, null);
    }
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  private advance(job: Job, reply: SandboxReply | null): void {
    const request = job.resume(reply);
    if (request === null) {
      this.current = null;
      return;
    }
    assert(this.openOperation === null, 'a lane has one open request at a time');
    this.openOperation = this.nextOperation();
    const operationId = this.openOperation;
    this.effects.push({ kind: 'sandbox', operationId, lane: this.lane, request });
  }
}

/** A started or waiting task without its result type. */
interface Job {
  /** Starts (null) or goes on; answers the next request, or null when the task is done. */
  resume(reply: SandboxReply | null): SandboxRequest | null;
}

function jobOf<T>(start: () => SandboxTask<T>, done: (value: T) => void): Job {
  let task: SandboxTask<T> | null = null;
  return {
    resume(reply) {
      task ??= start();
      const step = reply === null ? task.next() : task.next(reply);
      if (step.done === true) {
        done(step.value);
        return null;
      }
      return step.value;
    },
  };
}
