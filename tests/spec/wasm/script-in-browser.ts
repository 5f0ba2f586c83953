import type { Script } from './commands.ts';
import { runScript } from './run-script.ts';

/** Entry of the bundle that runs in a worker of the browser: one test file, one report. */
interface Packed extends Omit<Script, 'files'> {
  readonly files: readonly (readonly [string, string])[];
}

self.addEventListener('message', (event: MessageEvent<Packed>) => {
  const { files } = event.data;
  const unpacked = files.map(([file, base64]): [string, Uint8Array] => [
    file,
    Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
  ]);
  self.postMessage(runScript({ ...event.data, files: Object.fromEntries(unpacked) }));
});
