import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { CompileResult } from '../../src/sandbox/module-cache.ts';
import type { ModuleAnswer, ModuleAsk } from '../../src/workers/modules/messages.ts';
import type { SandboxAnswer } from '../../src/workers/sandbox/messages.ts';
import { postCall } from '../../src/workers/sandbox/pack-image.ts';
import type { SandboxEvents, SandboxProcess } from '../../src/workers/sandbox/sandbox-client.ts';
import { bundleForBrowser } from './browser-agent.ts';

/** What a thread of Node lacks of a worker in a browser. */
const SHIM = `
import { parentPort } from 'node:worker_threads';
globalThis.self = { postMessage: (message) => parentPort.postMessage(message) };
parentPort.on('message', (data) => globalThis.self.onmessage({ data }));
`;

export interface SandboxThread extends SandboxProcess {
  /** Ended by `terminate`, or by itself. */
  readonly ended: Promise<number>;
}

/**
 * The real sandbox worker, bundled as for the page, in a thread of Node: an engine that cannot suspend
 * a run, so that only ending the thread stops one.
 * @param broker answers as the tab's compiler of modules
 */
export async function loadSandboxThread(): Promise<
  (
    maxMemories: number,
    broker: (ask: ModuleAsk) => CompileResult | null,
    events: SandboxEvents,
  ) => SandboxThread
> {
  const source = SHIM + (await bundleForBrowser('src/workers/sandbox/sandbox.worker.ts'));
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  return (maxMemories, broker, events) => {
    const thread = new Worker(url);
    const { port1, port2 } = new MessageChannel();
    serve(port2, broker);
    thread.on('message', (answer: SandboxAnswer) => events.onAnswer(answer));
    thread.on('error', (error) => events.onExit(String(error)));
    const ended = new Promise<number>((resolve) => {
      thread.on('exit', (code) => {
        port2.close();
        resolve(code);
      });
    });
    thread.postMessage({ kind: 'configure', maxMemories, modules: port1 }, [port1]);
    return {
      post: (call) => postCall(thread, call),
      terminate: () => void thread.terminate(),
      ended,
    };
  };
}

function serve(port: MessagePort, broker: (ask: ModuleAsk) => CompileResult | null): void {
  port.on('message', (ask: ModuleAsk) => {
    const answer: ModuleAnswer = { id: ask.id, result: broker(ask) };
    port.postMessage(answer);
  });
}
