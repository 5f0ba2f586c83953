import type { SandboxReply, SandboxRequest } from '../src/protocol/interfaces/wasm-host.ts';
import type { SandboxAnswer } from '../src/workers/sandbox/messages.ts';
import { postCall } from '../src/workers/sandbox/pack-image.ts';
import type { SandboxEvents, SandboxProcess } from '../src/workers/sandbox/sandbox-client.ts';

interface Settle {
  resolve(reply: SandboxReply): void;
  reject(reason: Error): void;
}

/**
 * Runs in the page: a real sandbox worker.
 * @param broker the tab's compiler; null = this sandbox compiles itself
 */
export function startPageSandbox(
  url: string,
  maxMemories: number,
  broker: Worker | null,
  onAnswer: SandboxEvents['onAnswer'],
): SandboxProcess {
  const worker = new Worker(url, { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<SandboxAnswer>) => onAnswer(data));
  if (broker === null) {
    worker.postMessage({ kind: 'configure', maxMemories });
  } else {
    const { port1, port2 } = new MessageChannel();
    broker.postMessage(null, [port2]);
    worker.postMessage({ kind: 'configure', maxMemories, modules: port1 }, [port1]);
  }
  return { post: (call) => postCall(worker, call), terminate: () => worker.terminate() };
}

/** A sandbox worker without the client that restarts it. */
export class PageSandbox {
  readonly #process: SandboxProcess;
  readonly #open = new Map<number, Settle>();
  #nextId = 0;

  constructor(url: string, maxMemories: number, broker: Worker | null = null) {
    this.#process = startPageSandbox(url, maxMemories, broker, (data) => {
      if ('alive' in data) {
        return;
      }
      const open = this.#open.get(data.id);
      this.#open.delete(data.id);
      if ('fault' in data) {
        open?.reject(new Error(data.fault));
      } else {
        open?.resolve(data.reply);
      }
    });
  }

  ask(request: SandboxRequest): Promise<SandboxReply> {
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#process.post({ id, request });
    });
  }

  end(): void {
    this.#process.terminate();
  }
}
