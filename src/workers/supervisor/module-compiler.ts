/** The worker that compiles canister modules for all nodes of the tab. */
export interface ModuleCompiler {
  /** Brings the port of a sandbox to it; it starts with the first. */
  connect(port: MessagePort): void;
  close(): void;
}

/** When it dies the sandboxes that wait for it compile for themselves; later ones get a new one. */
export function createModuleCompiler(): ModuleCompiler {
  let worker: Worker | undefined;
  const end = (): void => {
    worker?.terminate();
    worker = undefined;
  };
  const start = (): Worker => {
    const started = new Worker(new URL('../modules/module-broker.worker.ts', import.meta.url), {
      type: 'module',
      name: 'modules',
    });
    started.onerror = (event) => {
      event.preventDefault();
      if (worker === started) {
        end();
      }
    };
    return started;
  };
  return {
    connect: (port) => {
      worker ??= start();
      worker.postMessage(null, [port]);
    },
    close: end,
  };
}
