import { bytesToHex } from '../src/base/hex.ts';
import type { HashHex } from '../src/protocol/types/ids.ts';
import { apiInput, CANISTER } from '../tests/support/test-canister.ts';
import { PageSandbox } from './page-sandbox.ts';

/** Runs in the page: the sandbox workers of several nodes, with and without the tab's compiler. */

export interface ModuleFigures {
  /** Milliseconds from the question to the last node's answer, median: each sandbox compiles itself. */
  readonly ownMs: number;
  /** The same with the tab's compiler. */
  readonly sharedMs: number;
  /** Median of the rounds' shared/own. */
  readonly ratio: number;
  /** A sandbox that was started anew, asked to run what the others compiled: own, shared. */
  readonly restartOwnMs: number;
  readonly restartSharedMs: number;
}

const MAX_MEMORIES = 2;
const NO_ARGUMENTS = Uint8Array.from([0x44, 0x49, 0x44, 0x4c, 0, 0]);

interface Module {
  readonly hash: HashHex;
  readonly wasm: Uint8Array;
}

/** The same program under another hash: neither side nor the engine has seen it before. */
async function variantOf(wasm: Uint8Array): Promise<Module> {
  const nonce = crypto.getRandomValues(new Uint8Array(16));
  const variant = Uint8Array.from([...wasm, 0, nonce.length + 2, 1, 0x78, ...nonce]);
  const digest = await crypto.subtle.digest('SHA-256', variant);
  return { wasm: variant, hash: bytesToHex(new Uint8Array(digest)) as HashHex };
}

async function install(worker: PageSandbox, { hash, wasm }: Module): Promise<void> {
  const compiled = await worker.ask({ kind: 'compile', moduleHash: hash, wasm });
  if (compiled.kind !== 'compiled') {
    throw new Error(`the module is ${compiled.kind}`);
  }
  const ran = await worker.ask({
    kind: 'run',
    canisterId: CANISTER,
    moduleHash: hash,
    base: { from: 'fresh' },
    steps: [
      { entry: 'canister_start', optional: true, input: apiInput('start') },
      { entry: 'canister_init', optional: true, input: apiInput('init', { arg: NO_ARGUMENTS }) },
    ],
    instructionLimit: 40_000_000_000n,
    commitAs: 1,
    oldestVersionInUse: 1,
    module: wasm,
  });
  if (ran.kind !== 'ran' || !ran.outcome.ok) {
    throw new Error(ran.kind === 'ran' && !ran.outcome.ok ? ran.outcome.error.message : ran.kind);
  }
}

async function timeOf(task: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await task();
  return performance.now() - startedMs;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}

interface Phase {
  readonly by: Worker | null;
  readonly installMs: number[];
  readonly restartMs: number[];
}

/** New modules per phase. A tab has no memories for the sandboxes of both ways at once. */
const INSTALLS = 3;

async function measurePhase(
  url: string,
  wasm: Uint8Array,
  nodes: number,
  { by, installMs, restartMs }: Phase,
): Promise<number> {
  const workers = Array.from({ length: nodes }, () => new PageSandbox(url, MAX_MEMORIES, by));
  const onAll = async (): Promise<Module> => {
    const module = await variantOf(wasm);
    const tookMs = await timeOf(() =>
      Promise.all(workers.map((worker) => install(worker, module))),
    );
    installMs.push(tookMs);
    return module;
  };
  // Scripts are loaded and hot by then.
  await onAll();
  installMs.pop();
  let known = await onAll();
  for (let i = 1; i < INSTALLS; i += 1) {
    known = await onAll();
  }
  const fresh = new PageSandbox(url, MAX_MEMORIES, by);
  await fresh.ask({ kind: 'forget', canisterId: CANISTER });
  restartMs.push(await timeOf(() => install(fresh, known)));
  for (const worker of [...workers, fresh]) {
    worker.end();
  }
  return median(installMs.slice(-INSTALLS));
}

export async function measureModules(
  sandboxSource: string,
  brokerSource: string,
  wasm: Uint8Array,
  nodes: number,
  rounds: number,
): Promise<ModuleFigures> {
  const urlOf = (source: string): string =>
    URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const url = urlOf(sandboxSource);
  const broker = new Worker(urlOf(brokerSource), { type: 'module' });
  const own: Phase = { by: null, installMs: [], restartMs: [] };
  const shared: Phase = { by: broker, installMs: [], restartMs: [] };
  const ratios: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const before = await measurePhase(url, wasm, nodes, own);
    const after = await measurePhase(url, wasm, nodes, shared);
    ratios.push(after / before);
  }
  broker.terminate();
  return {
    ownMs: median(own.installMs),
    sharedMs: median(shared.installMs),
    ratio: median(ratios),
    restartOwnMs: median(own.restartMs),
    restartSharedMs: median(shared.restartMs),
  };
}

declare global {
  interface Window {
    measureModules?: typeof measureModules;
  }
}

window.measureModules = measureModules;
