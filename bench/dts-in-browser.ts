import { present } from '../src/base/assert.ts';
import type {
  MemoryImage,
  RunRequest,
  SandboxReply,
  SandboxRequest,
  Slice,
} from '../src/protocol/interfaces/wasm-host.ts';
import type { HashHex } from '../src/protocol/types/ids.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';
import { apiInput, CANISTER, textOf } from '../tests/support/test-canister.ts';
import { PageMap } from '../src/protocol/replicated-state/page-map.ts';
import { createSandboxClient, type SandboxEvents } from '../src/workers/sandbox/sandbox-client.ts';
import { PageSandbox, startPageSandbox } from './page-sandbox.ts';

/** Runs in the page: real sandbox workers, and one sandbox inline to compare with. */

export interface SliceFigures {
  /** Added to a run by each slice, the messages between page and worker included. */
  readonly slicePauseUs: number;
  /** Slices and outcome are the same in a worker that pauses and in a sandbox that runs ahead. */
  readonly sameAsRunAhead: boolean;
  /** A query of the same canister while its message is paused. */
  readonly queryWhilePausedMs: number;
  /** From the kill of a worker until a new one answered from a heap of 16 MiB. */
  readonly killToAnswerMs: number;
  /** The browser's own work, most of it at the same time: until a new worker said anything. */
  readonly workerStartMs: number;
  readonly slices: number;
}

const MAX_MEMORIES = 8;
const HASH = '01'.repeat(32) as HashHex;

function request(method: string, commitAs: number | null, more: Partial<RunRequest>): RunRequest {
  return {
    kind: 'run',
    canisterId: CANISTER,
    moduleHash: HASH,
    base: { from: 'version', version: 1 },
    steps: [{ entry: method, optional: false, input: apiInput('update') }],
    instructionLimit: 40_000_000_000n,
    commitAs,
    oldestVersionInUse: 1,
    ...more,
  };
}

type Ask = (asked: SandboxRequest) => SandboxReply | Promise<SandboxReply>;

/** All replies of a run, slice by slice. */
async function runSliced(ask: Ask, run: RunRequest): Promise<readonly SandboxReply[]> {
  const replies = [await ask(run)];
  while (replies.at(-1)?.kind === 'paused') {
    replies.push(await ask({ kind: 'resume', canisterId: CANISTER, commitAs: run.commitAs }));
  }
  return replies;
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

export async function measureSlices(
  workerSource: string,
  wasm: Uint8Array,
  rounds: number,
): Promise<SliceFigures> {
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
  const worker = new PageSandbox(url, MAX_MEMORIES);
  const inline = createSandbox();
  const slice: Slice = { instructions: 100_000n, done: 0 };
  const install = request('canister_init', 1, { base: { from: 'fresh' }, module: wasm });
  const installed = await worker.ask(install);
  inline.handle(install);
  const image = imageOf(installed);
  const ofWorker = await runSliced(
    (asked) => worker.ask(asked),
    request('canister_update work', 2, { slice }),
  );
  const ofInline = await runSliced(
    (asked) => inline.handle(asked),
    request('canister_update work', 2, { slice }),
  );
  const slices = ofWorker.length - 1;
  const whole: number[] = [];
  const cut: number[] = [];
  for (let version = 3; version < 3 + 2 * rounds; version += 2) {
    whole.push(await timeOf(() => worker.ask(request('canister_update work', version, {}))));
    const sliced = request('canister_update work', version + 1, { slice });
    cut.push(await timeOf(() => runSliced((asked) => worker.ask(asked), sliced)));
  }
  await worker.ask(request('canister_update work', 1000, { slice }));
  const queries: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    queries.push(await timeOf(() => worker.ask(request('canister_query look', null, {}))));
  }
  worker.end();
  const kills = await measureKills(url, wasm, image, rounds);
  const starts: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const started = performance.now();
    const fresh = new PageSandbox(url, MAX_MEMORIES);
    await fresh.ask({ kind: 'forget', canisterId: CANISTER });
    starts.push(performance.now() - started);
    fresh.end();
  }
  return {
    slicePauseUs: ((Math.min(...cut) - Math.min(...whole)) / slices) * 1000,
    sameAsRunAhead: textOf(ofWorker) === textOf(ofInline),
    queryWhilePausedMs: median(queries),
    killToAnswerMs: median(kills),
    workerStartMs: median(starts),
    slices,
  };
}

/**
 * Milliseconds from the death of a worker that was asked something to the answer of the next one, with
 * the client that a node has, which gets the memory from the page maps.
 */
async function measureKills(
  url: string,
  wasm: Uint8Array,
  image: MemoryImage,
  rounds: number,
): Promise<number[]> {
  const [heap, stable] = [PageMap.from(image.heap), PageMap.from(image.stable)];
  let events: SandboxEvents | undefined;
  const client = createSandboxClient({
    start: (next) => {
      events = next;
      return startPageSandbox(url, MAX_MEMORIES, null, next.onAnswer);
    },
    timers: {
      set: (delayMs, task) => setTimeout(task, delayMs),
      clear: (h) => clearTimeout(h as number),
    },
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  const askOnce = (asked: SandboxRequest): Promise<SandboxReply> =>
    new Promise((resolve) => client.request(asked, resolve));
  const look = async (): Promise<void> => {
    let reply = await askOnce(request('canister_query look', null, {}));
    if (reply.kind === 'missing') {
      // The node's next turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
      const pages = { heap: [...heap.pages()], stable: [...stable.pages()] };
      reply = await askOnce(
        request('canister_query look', null, { module: wasm, image: { ...image, ...pages } }),
      );
    }
    if (reply.kind !== 'ran' || !reply.outcome.ok) {
      throw new Error('the query failed on the new sandbox');
    }
  };
  await look();
  const kills: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const answered = look();
    kills.push(
      await timeOf(async () => {
        events?.onExit('killed');
        await answered;
      }),
    );
  }
  client.close();
  return kills;
}

function imageOf(reply: SandboxReply): MemoryImage {
  const delta = reply.kind === 'ran' ? reply.delta : null;
  const { heap, heapWasmPages, stable, stableWasmPages, globals } = present(
    delta,
    `installed: ${JSON.stringify(reply, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v)).slice(0, 300)}`,
  );
  return { heap, heapWasmPages, stable, stableWasmPages, globals };
}

declare global {
  interface Window {
    measureSlices?: typeof measureSlices;
  }
}

window.measureSlices = measureSlices;
