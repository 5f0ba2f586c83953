import type { Command } from './commands.ts';
import { runScript } from './run-script.ts';

/** Entry of the bundle that runs in a worker of the browser: one test file, one report. */
interface Packed {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly files: readonly (readonly [string, string])[];
}

self.addEventListener('message', (event: MessageEvent<Packed>) => {
  const { name, commands, files } = event.data;
  const unpacked = files.map(([file, base64]): [string, Uint8Array] => [
    file,
    Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
  ]);
  self.postMessage(runScript({ name, commands, files: Object.fromEntries(unpacked) }));
});
