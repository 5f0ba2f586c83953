import type { SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import type { ModuleCache } from '../../sandbox/module-cache.ts';
import type { HostTimers } from '../clock/scheduler.ts';
import type { PortLike } from '../gateway/messages.ts';
import type { ModuleAnswer, ModuleAsk } from './messages.ts';

export interface SharedModules {
  /** Gets the module that a request needs; undefined = it is there, or none is needed. */
  supply(request: SandboxRequest): Promise<void> | undefined;
  /** The broker cannot be understood: from now on each module is compiled here. */
  abandon(): void;
}

export interface SharedModulesDeps {
  readonly cache: ModuleCache;
  readonly broker: PortLike<ModuleAnswer, ModuleAsk>;
  readonly timers: HostTimers;
}

/** Longer than any module takes; afterwards the sandbox compiles for itself. */
const PATIENCE_MS = 30_000;

/**
 * The tab's compiled modules as one sandbox sees them. What the broker does not know, or does not
 * tell in time, the sandbox compiles itself from the bytes of the request.
 */
export function createSharedModules({ cache, broker, timers }: SharedModulesDeps): SharedModules {
  const waiting = new Map<number, { readonly hash: HashHex; readonly done: () => void }>();
  let nextId = 0;
  let isAbandoned = false;

  const abandon = (): void => {
    isAbandoned = true;
    broker.close();
    for (const { done } of waiting.values()) {
      done();
    }
    waiting.clear();
  };
  broker.listen(({ id, result }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (asked !== undefined && result !== null) {
      cache.adopt(asked.hash, result);
    }
    asked?.done();
  });
  const ask = (hash: HashHex, wasm: Uint8Array | null): Promise<void> =>
    new Promise((resolve) => {
      nextId += 1;
      const patience = timers.set(PATIENCE_MS, abandon);
      const done = (): void => {
        timers.clear(patience);
        resolve();
      };
      waiting.set(nextId, { hash, done });
      broker.post({ id: nextId, hash, wasm });
    });

  return {
    supply: (request) => {
      if (isAbandoned || (request.kind !== 'compile' && request.kind !== 'run')) {
        return undefined;
      }
      const { moduleHash } = request;
      if (cache.get(moduleHash) !== undefined) {
        return undefined;
      }
      return ask(moduleHash, request.kind === 'compile' ? request.wasm : (request.module ?? null));
    },
    abandon,
  };
}
