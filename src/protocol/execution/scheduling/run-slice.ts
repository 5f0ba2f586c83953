import { present } from '../../../base/assert.ts';
import {
  PAGE_BYTES,
  type RunReply,
  type RunRequest,
  type SandboxReply,
  type SandboxRequest,
} from '../../interfaces/wasm-host.ts';
import type { PausedExecution, RunProgress } from '../../replicated-state/schedule.ts';
import type { CanisterId, Cycles, Instructions } from '../../types/ids.ts';
import type { RoundState } from '../round-state.ts';
import type { SandboxTask } from '../run-on-sandbox.ts';

/**
 * Deterministic time slicing of one message. A message runs on a fork of the round. When its slice
 * is used up the fork is dropped, so that nothing of the message shows before it ends; only the
 * sandbox keeps what the Wasm did. In the next round the message begins again from its input, gets
 * the sandbox's earlier answers from the record, and goes on where the sandbox stopped.
 * @upstream rs/execution_environment/src/execution/ (PausedExecution)
 */

export interface SliceEnd {
  /** Null = the message ended, and all it did is in the round. */
  readonly paused: PausedExecution | null;
  /** Used now, in this slice. */
  readonly instructions: Instructions;
  /** Bytes of memory pages changed, once the message has ended. */
  readonly heapDeltaBytes: number;
  /** Of the last run that was asked for. */
  readonly canisterId: CanisterId | null;
  /** Taken from the canister's balance for the message; it shows while the message is paused. */
  readonly prepaid: Cycles;
}

/** What a message does, on the round it is given. */
export type MessageTask = (round: RoundState) => SandboxTask<void>;

/**
 * Runs a message until it ends or its slice is used up.
 * @param before null = it begins
 * @param isPrepaid an earlier attempt or slice has paid, and the balance has it back
 */
export function* runSlice(
  round: RoundState,
  before: PausedExecution | null,
  sliceInstructions: Instructions,
  start: MessageTask,
  isPrepaid = false,
): SandboxTask<SliceEnd> {
  const startedAtNs = before?.startedAtNs ?? round.timeNs;
  const counted = before?.instructions ?? 0n;
  const fork = round.fork(startedAtNs);
  fork.prepayment = { cycles: 0n, isEarlier: isPrepaid };
  const runs = new SlicedRuns(before?.progress ?? null, sliceInstructions);
  const task = start(fork);
  let step = task.next();
  while (step.done !== true) {
    const reply = yield* runs.answer(step.value);
    if (reply.kind === 'paused') {
      const { instructions, canisterId } = runs;
      round.instructionsUsed += instructions;
      const paused = {
        startedAtNs,
        slices: (before?.slices ?? 0) + 1,
        instructions: counted + instructions,
        progress: runs.progress(),
      };
      const prepaid = fork.prepayment.cycles;
      return { paused, instructions, heapDeltaBytes: 0, canisterId, prepaid };
    }
    step = task.next(reply);
  }
  // What earlier rounds counted is not counted again.
  fork.instructionsUsed -= counted;
  round.join(fork);
  const { heapDeltaBytes, canisterId } = runs;
  const instructions = fork.instructionsUsed;
  return { paused: null, instructions, heapDeltaBytes, canisterId, prepaid: 0n };
}

/** Pages that a run changed, in bytes. */
function heapDelta({ delta }: RunReply): number {
  return delta === null ? 0 : (delta.heap.length + delta.stable.length) * PAGE_BYTES;
}

/** The sandbox requests of one message: those answered before are answered from the record. */
class SlicedRuns {
  /** Used in this slice. */
  instructions: Instructions = 0n;
  heapDeltaBytes = 0;
  canisterId: CanisterId | null = null;
  readonly #sliceInstructions: Instructions;
  readonly #replies: SandboxReply[];
  /** Replies that earlier slices recorded. */
  readonly #recorded: number;
  #replayed = 0;
  /** The current run as it began: what it sees does not change while it waits. */
  #open: RunRequest | null;
  #openSlices: number;
  #openInstructions: Instructions;
  #mayBePaused: boolean;

  constructor(progress: RunProgress | null, sliceInstructions: Instructions) {
    this.#sliceInstructions = sliceInstructions;
    this.#replies = progress === null ? [] : [...progress.replies];
    this.#recorded = this.#replies.length;
    this.#open = progress?.open ?? null;
    this.#openSlices = progress?.openSlices ?? 0;
    this.#openInstructions = progress?.openInstructions ?? 0n;
    this.#mayBePaused = progress !== null;
  }

  progress(): RunProgress {
    return {
      replies: this.#replies,
      open: present(this.#open, 'a paused message has a paused run'),
      openSlices: this.#openSlices,
      openInstructions: this.#openInstructions,
    };
  }

  *answer(request: SandboxRequest): SandboxTask<SandboxReply> {
    if (this.#replayed < this.#recorded) {
      const reply = present(this.#replies[this.#replayed], 'a recorded reply');
      this.#replayed += 1;
      this.#noteEnd(reply);
      return reply;
    }
    const reply = request.kind === 'run' ? yield* this.#run(request) : yield request;
    if (reply.kind === 'paused') {
      this.instructions += reply.instructions;
      this.#openInstructions += reply.instructions;
      this.#openSlices += 1;
    } else if (reply.kind !== 'missing') {
      this.#replies.push(reply);
      this.#noteEnd(reply);
      this.instructions +=
        reply.kind === 'ran' ? reply.instructionsUsed - this.#openInstructions : 0n;
      this.#open = null;
      this.#openSlices = 0;
      this.#openInstructions = 0n;
    }
    return reply;
  }

  *#run(request: RunRequest): SandboxTask<SandboxReply> {
    const { module, image, ...bare } = request;
    this.canisterId = request.canisterId;
    this.#open ??= bare;
    if (this.#mayBePaused) {
      this.#mayBePaused = false;
      const { canisterId, commitAs } = this.#open;
      const reply = yield { kind: 'resume', canisterId, commitAs };
      if (reply.kind !== 'notPaused') {
        return reply;
      }
    }
    return yield {
      ...this.#open,
      ...(module === undefined ? {} : { module }),
      ...(image === undefined ? {} : { image }),
      slice: { instructions: this.#sliceInstructions, done: this.#openSlices },
    };
  }

  #noteEnd(reply: SandboxReply): void {
    if (reply.kind === 'ran') {
      this.heapDeltaBytes += heapDelta(reply);
    }
  }
}
