import { measureHops } from './execution-hops.ts';
import type { KernelModule } from './execution-measure.ts';
import { measureKernel, measureRewriting } from './execution-measure.ts';

/** Entry of the bundle that runs in a worker of the browser: one request, one answer. */
type Request =
  | { readonly kernel: Omit<KernelModule, 'wasm'>; readonly wasm: string; readonly runs: number }
  | { readonly wasm: string; readonly times: number }
  | { readonly deep: string };

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

async function answer(request: Request): Promise<unknown> {
  if ('deep' in request) {
    return { hopMicros: await measureHops(bytesOf(request.deep)) };
  }
  const wasm = bytesOf(request.wasm);
  return 'kernel' in request
    ? measureKernel({ ...request.kernel, wasm }, request.runs)
    : measureRewriting(wasm, request.times);
}

self.addEventListener('message', (event: MessageEvent<Request>) => {
  void answer(event.data).then((found) => self.postMessage(found));
});
