import type { SandboxAnswer, SandboxConfiguration } from './messages.ts';
import { packImage } from './pack-image.ts';
import type { SandboxEvents, SandboxProcess } from './sandbox-client.ts';

/** A real sandbox worker, a child of the node's worker: it ends when its node ends. */
export function startSandboxWorker(maxMemories: number, events: SandboxEvents): SandboxProcess {
  const worker = new Worker(new URL('./sandbox.worker.ts', import.meta.url), {
    type: 'module',
    name: 'sandbox',
  });
  worker.onmessage = (event: MessageEvent<SandboxAnswer>) => events.onAnswer(event.data);
  worker.onmessageerror = () => events.onExit('an answer could not be read');
  worker.onerror = (event) => {
    event.preventDefault();
    events.onExit(event.message === '' ? 'the sandbox worker could not start' : event.message);
  };
  const configuration: SandboxConfiguration = { kind: 'configure', maxMemories };
  worker.postMessage(configuration);
  return {
    post: (call) => {
      const { call: message, transfer } = packImage(call);
      worker.postMessage(message, transfer);
    },
    terminate: () => worker.terminate(),
  };
}
