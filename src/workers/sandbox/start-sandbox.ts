import type { SandboxAnswer, SandboxConfiguration } from './messages.ts';
import { packImage } from './pack-image.ts';
import type { SandboxEvents, SandboxProcess } from './sandbox-client.ts';

/**
 * A real sandbox worker, a child of the node's worker: it ends when its node ends.
 * @param modules brings a port to the tab's compiler of modules
 */
export function startSandboxWorker(
  maxMemories: number,
  modules: Pick<MessagePort, 'postMessage'>,
  events: SandboxEvents,
): SandboxProcess {
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
  const { port1, port2 } = new MessageChannel();
  modules.postMessage(null, [port2]);
  const configuration: SandboxConfiguration = { kind: 'configure', maxMemories, modules: port1 };
  worker.postMessage(configuration, [port1]);
  return {
    post: (call) => {
      const { call: message, transfer } = packImage(call);
      worker.postMessage(message, transfer);
    },
    terminate: () => worker.terminate(),
  };
}
