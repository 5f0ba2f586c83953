import { chunkHash } from '../src/protocol/state-manager/manifest.ts';

/** Entry of the bundle that runs in a worker of the browser: copies and hashes so many MB, in chunks of 64 KiB. */
const CHUNK = 64 * 1024;

self.addEventListener('message', (event: MessageEvent<number>) => {
  const source = new Uint8Array(event.data * 1024 * 1024).map((_, i) => i * 37 + (i >> 8));
  const work = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      chunkHash(bytes.slice(at, at + CHUNK));
    }
  };
  // The engine compiles the hot paths first.
  work(source.subarray(0, 4 * 1024 * 1024));
  const startedMs = performance.now();
  work(source);
  self.postMessage((event.data * 1000) / (performance.now() - startedMs));
});
