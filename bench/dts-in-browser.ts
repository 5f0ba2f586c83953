import { present } from '../src/base/assert.ts';
import type {
  MemoryImage,
  RunRequest,
  SandboxReply,
  SandboxRequest,
  Slice,
} from '../src/protocol/interfaces/wasm-host.ts';
import type { CanisterId, HashHex, PrincipalId } from '../src/protocol/types/ids.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';
import type { SandboxAnswer } from '../src/workers/sandbox/messages.ts';
import { packImage } from '../src/workers/sandbox/pack-image.ts';

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
  /** The part of it until the new worker said what it lacks: the browser's own work. */
  readonly workerStartMs: number;
  readonly slices: number;
}

const CANISTER = '00000000000000010101' as CanisterId;
const HASH = '01'.repeat(32) as HashHex;

function request(method: string, commitAs: number | null, more: Partial<RunRequest>): RunRequest {
  return {
    kind: 'run',
    canisterId: CANISTER,
    moduleHash: HASH,
    base: { from: 'version', version: 1 },
    steps: [{ entry: method, optional: false, input: INPUT }],
    instructionLimit: 40_000_000_000n,
    commitAs,
    oldestVersionInUse: 1,
    ...more,
  };
}

const INPUT: RunRequest['steps'][number]['input'] = {
  context: 'update',
  canisterId: CANISTER,
  subnetId: '01' as PrincipalId,
  caller: '04' as PrincipalId,
  callerInfo: null,
  controllers: [],
  methodName: '',
  arg: new Uint8Array(0),
  timeNs: 1n,
  cycleBalance: 10n ** 15n,
  cyclesAvailable: 0n,
  freezingThreshold: 0n,
  canisterStatus: 1,
  canisterVersion: 1n,
  globalTimer: 0n,
  dataCertificate: null,
  rootKey: new Uint8Array(0),
  replicated: true,
  memory: null,
  prices: { nodeCount: 13, executionPrepayment: 1n },
  environment: [],
  call: {
    deadlineNs: 0n,
    responded: false,
    instructionsBefore: 0n,
    cyclesRefunded: 0n,
    rejectCode: 0,
    rejectMessage: '',
    outgoing: null,
  },
};

class SandboxWorker {
  readonly #worker: Worker;
  readonly #open = new Map<number, (reply: SandboxReply) => void>();
  #nextId = 0;

  constructor(url: string) {
    this.#worker = new Worker(url, { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<SandboxAnswer>) => {
      if ('alive' in data) {
        return;
      }
      if ('fault' in data) {
        throw new Error(data.fault);
      }
      this.#open.get(data.id)?.(data.reply);
      this.#open.delete(data.id);
    });
    this.#worker.postMessage({ kind: 'configure', maxMemories: 8 });
  }

  ask(asked: SandboxRequest): Promise<SandboxReply> {
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve) => {
      this.#open.set(id, resolve);
      const { call, transfer } = packImage({ kind: 'call', id, request: asked });
      this.#worker.postMessage(call, transfer);
    });
  }

  kill(): void {
    this.#worker.terminate();
  }
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

function comparable(replies: readonly SandboxReply[]): string {
  return JSON.stringify(replies, (_key, value: unknown) =>
    typeof value === 'bigint'
      ? `${value}n`
      : value instanceof Uint8Array
        ? Array.from(value).join()
        : value,
  );
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
  const worker = new SandboxWorker(url);
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
  const kills: number[] = [];
  const starts: number[] = [];
  let current = worker;
  for (let i = 0; i < rounds; i += 1) {
    kills.push(
      await timeOf(async () => {
        const startedMs = performance.now();
        current.kill();
        current = new SandboxWorker(url);
        const missing = await current.ask(request('canister_query look', null, {}));
        if (missing.kind !== 'missing') {
          throw new Error('a new sandbox cannot know the canister');
        }
        starts.push(performance.now() - startedMs);
        const answer = await current.ask(
          request('canister_query look', null, { module: wasm, image }),
        );
        if (answer.kind !== 'ran' || !answer.outcome.ok) {
          throw new Error('the query failed on the new sandbox');
        }
      }),
    );
  }
  current.kill();
  return {
    slicePauseUs: ((Math.min(...cut) - Math.min(...whole)) / slices) * 1000,
    sameAsRunAhead: comparable(ofWorker) === comparable(ofInline),
    queryWhilePausedMs: median(queries),
    killToAnswerMs: median(kills),
    workerStartMs: median(starts),
    slices,
  };
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
