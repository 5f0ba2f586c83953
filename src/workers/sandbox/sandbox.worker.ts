import { createSandbox } from '../../sandbox/sandbox.ts';
import type { SandboxAnswer, SandboxCall } from './messages.ts';

const sandbox = createSandbox();

self.onmessage = (event: MessageEvent<SandboxCall>) => {
  const { id, request } = event.data;
  let answer: SandboxAnswer;
  try {
    answer = { id, reply: sandbox.handle(request) };
  } catch (error) {
    answer = { id, fault: String(error) };
  }
  self.postMessage(answer);
};
