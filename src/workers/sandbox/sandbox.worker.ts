import { present } from '../../base/assert.ts';
import { engineSuspends } from '../../sandbox/instance.ts';
import { MemoryBudget } from '../../sandbox/memory-budget.ts';
import { createPausableSandbox, createSandbox, type PausableHost } from '../../sandbox/sandbox.ts';
import type { SandboxAnswer, SandboxMessage } from './messages.ts';

/** A paused run keeps its memory: with fewer the others would have none. */
const MIN_MEMORIES_TO_PAUSE = 4;

let sandbox: PausableHost | undefined;

self.onmessage = ({ data }: MessageEvent<SandboxMessage>) => {
  if (data.kind === 'configure') {
    const options = { memoryBudget: new MemoryBudget(data.maxMemories) };
    const pauses = engineSuspends() && data.maxMemories >= MIN_MEMORIES_TO_PAUSE;
    sandbox = pauses ? createPausableSandbox(options) : createSandbox(options);
    return;
  }
  const { id, request } = data;
  const post = (answer: SandboxAnswer): void => self.postMessage(answer);
  const fail = (error: unknown): void => post({ id, fault: String(error) });
  try {
    const reply = present(sandbox, 'configured before its first call').handle(request);
    if (reply instanceof Promise) {
      reply.then((late) => post({ id, reply: late }), fail);
    } else {
      post({ id, reply });
    }
  } catch (error) {
    fail(error);
  }
};
