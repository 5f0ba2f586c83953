import type { KernelModule } from './execution-measure.ts';
import { measureKernel, measureRewriting } from './execution-measure.ts';

/** Entry of the bundle that runs in a worker of the browser: one request, one answer. */
type Request =
  | { readonly kernel: Omit<KernelModule, 'wasm'>; readonly wasm: string; readonly runs: number }
  | { readonly wasm: string; readonly times: number };

self.addEventListener('message', (event: MessageEvent<Request>) => {
  const wasm = Uint8Array.from(atob(event.data.wasm), (char) => char.charCodeAt(0));
  self.postMessage(
    'kernel' in event.data
      ? measureKernel({ ...event.data.kernel, wasm }, event.data.runs)
      : measureRewriting(wasm, event.data.times),
  );
});
