import type { SandboxReply, SandboxRequest } from '../src/protocol/interfaces/wasm-host.ts';
import type { SandboxAnswer } from '../src/workers/sandbox/messages.ts';
import { packImage } from '../src/workers/sandbox/pack-image.ts';

interface Settle {
  resolve(reply: SandboxReply): void;
  reject(reason: Error): void;
}

/** Runs in the page: a real sandbox worker, without the client that restarts it. */
export class PageSandbox {
  readonly #worker: Worker;
  readonly #open = new Map<number, Settle>();
  #nextId = 0;

  /** @param broker the tab's compiler; null = this sandbox compiles itself */
  constructor(url: string, maxMemories: number, broker: Worker | null = null) {
    this.#worker = new Worker(url, { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<SandboxAnswer>) => {
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
    if (broker === null) {
      this.#worker.postMessage({ kind: 'configure', maxMemories });
    } else {
      const { port1, port2 } = new MessageChannel();
      broker.postMessage(null, [port2]);
      this.#worker.postMessage({ kind: 'configure', maxMemories, modules: port1 }, [port1]);
    }
  }

  ask(request: SandboxRequest): Promise<SandboxReply> {
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      const { call, transfer } = packImage({ kind: 'call', id, request });
      this.#worker.postMessage(call, transfer);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}
