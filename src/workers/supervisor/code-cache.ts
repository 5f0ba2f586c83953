import type { TextStore } from './backend-memory.ts';
import type { SpawnedWorker } from './node-process.ts';

const KEY = 'subnetarium:code-kept';
/** The network's first seconds are its own. */
const QUIET_MS = 20_000;
const LOAD_DEADLINE_MS = 60_000;
/** What was loaded is written down after it ran. */
const WRITING_MS = 2_000;

export interface CodeCacheDeps {
  /** Null where the browser remembers nothing: then nothing is done. */
  readonly store: TextStore | null;
  /** Names this build of the scripts. */
  readonly build: string;
  spawn(): SpawnedWorker;
  pause(ms: number): Promise<void>;
}

/**
 * Browsers keep the compiled code of a script once they load it a second time. The nodes of a first visit
 * load theirs all at once, which counts as one; so one more worker loads it when the network is at
 * work, and the second visit starts as fast as those after it. Once for each build.
 */
export async function keepCompiledCode(deps: CodeCacheDeps): Promise<void> {
  const { store, build, spawn, pause } = deps;
  if (store === null || isKept(store, build)) {
    return;
  }
  await pause(QUIET_MS);
  const { worker, control, onError } = spawn();
  onError((reason) => control.exited(reason));
  // The library without Wasm: a tab has few memories, and canisters may need the last one.
  const loaded = await control.call({ deadlineMs: LOAD_DEADLINE_MS }, 'prepare', 'noble');
  await pause(WRITING_MS);
  worker.terminate();
  if (loaded.ok) {
    remember(store, build);
  }
}

function isKept(store: TextStore, build: string): boolean {
  try {
    return store.getItem(KEY) === build;
  } catch {
    return true;
  }
}

function remember(store: TextStore, build: string): void {
  try {
    store.setItem(KEY, build);
  } catch {
    // A full storage costs the next visit one worker for a moment.
  }
}
