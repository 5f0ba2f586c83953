import type {
  Concurrently,
  RoundTask,
  SandboxTask,
} from '../../src/protocol/execution/run-on-sandbox.ts';
import type { SandboxReply, SandboxRequest } from '../../src/protocol/interfaces/wasm-host.ts';

type Answer = (request: SandboxRequest) => SandboxReply;

/** Which of several tasks that wait side by side goes on next: a number below `count`. */
export type Pick = (count: number) => number;

/** Runs a task to its end with a sandbox that answers at once; by default side tasks run one by one. */
export function runTask<T>(
  task: RoundTask<T> | SandboxTask<T>,
  answer: Answer,
  pick: Pick = () => 0,
): T {
  const round = task as RoundTask<T>;
  let step = round.next(null);
  while (step.done !== true) {
    const request: SandboxRequest | Concurrently = step.value;
    if (request.kind === 'concurrently') {
      runSideBySide(request.tasks, answer, pick);
      step = round.next(null);
    } else {
      step = round.next(answer(request));
    }
  }
  return step.value;
}

function runSideBySide(tasks: readonly SandboxTask<void>[], answer: Answer, pick: Pick): void {
  const waiting = tasks
    .map((task) => ({ task, step: task.next() }))
    .filter(({ step }) => step.done !== true);
  while (waiting.length > 0) {
    const at = pick(waiting.length);
    const one = waiting[at];
    if (one === undefined || one.step.done === true) {
      throw new Error('a task was picked that does not wait');
    }
    one.step = one.task.next(answer(one.step.value));
    if (one.step.done === true) {
      waiting.splice(at, 1);
    }
  }
}
