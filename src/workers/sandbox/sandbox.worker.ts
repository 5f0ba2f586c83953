import { present } from '../../base/assert.ts';
import type { WasmHost } from '../../protocol/interfaces/wasm-host.ts';
import { MemoryBudget } from '../../sandbox/memory-budget.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import type { SandboxAnswer, SandboxMessage } from './messages.ts';

let sandbox: WasmHost | undefined;

self.onmessage = ({ data }: MessageEvent<SandboxMessage>) => {
  if (data.kind === 'configure') {
    sandbox = createSandbox({ memoryBudget: new MemoryBudget(data.maxMemories) });
    return;
  }
  const host = present(sandbox, 'the sandbox is configured before its first call');
  let answer: SandboxAnswer;
  try {
    answer = { id: data.id, reply: host.handle(data.request) };
  } catch (error) {
    answer = { id: data.id, fault: String(error) };
  }
  self.postMessage(answer);
};
