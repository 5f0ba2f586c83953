import './page-globals.ts';
import type {
  RunRequest,
  SandboxReply,
  SandboxRequest,
} from '../../src/protocol/interfaces/wasm-host.ts';
import type { CanisterId, HashHex } from '../../src/protocol/types/ids.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { createHostTimers } from '../../src/workers/clock/host-timers.ts';
import type { StackSize } from '../../src/sandbox/stack-segments.ts';
import type { SandboxAnswer, SandboxConfiguration } from '../../src/workers/sandbox/messages.ts';
import type { SandboxClient } from '../../src/workers/sandbox/sandbox-client.ts';
import { createSandboxClient } from '../../src/workers/sandbox/sandbox-client.ts';
import { apiInput, textOf } from './test-canister.ts';

/** Runs inside the page: one real sandbox worker with few memories, and a sandbox inline to compare with. */
export interface SandboxProbe {
  /**
   * Long messages of three canisters at a time, in slices, with queries in between. Answers what a
   * worker with so many memories said, and what the inline sandbox did: `stack` is the worker's, the
   * inline sandbox has as much in one piece.
   */
  compare(
    source: string,
    wasm: Uint8Array,
    maxMemories: number,
    stack?: StackSize,
  ): Promise<readonly [string, string]>;
  /** How one update each of these entries ends in a worker with a stack as the page's. */
  run(source: string, wasm: Uint8Array, entries: readonly string[]): Promise<string>;
}

type Ask = (request: SandboxRequest) => SandboxReply | Promise<SandboxReply>;

const IDS = ['1', '2', '3'].map((id) => id.padStart(20, '0') as CanisterId);
const HASH = '01'.repeat(32) as HashHex;

function request(
  canisterId: CanisterId,
  entry: string,
  commitAs: number | null,
  more: Partial<RunRequest> = {},
): RunRequest {
  return {
    kind: 'run',
    canisterId,
    moduleHash: HASH,
    base: { from: 'version', version: 1 },
    steps: [{ entry, optional: true, input: apiInput('update') }],
    instructionLimit: 1_000_000_000n,
    commitAs,
    oldestVersionInUse: 1,
    ...more,
  };
}

/** All that is said in a fixed conversation. */
async function converse(ask: Ask, wasm: Uint8Array): Promise<string> {
  const said: SandboxReply[] = [];
  for (const id of IDS) {
    said.push(
      await ask(request(id, 'canister_init', 1, { base: { from: 'fresh' }, module: wasm })),
    );
  }
  // Dropped while it is at work, as when a node takes over another state; nobody waits for its end.
  const [first] = IDS;
  if (first !== undefined) {
    const work = { entry: 'canister_update work', optional: false, input: apiInput('update') };
    const steps = Array.from({ length: 6 }, () => work);
    const dropped = { slice: { instructions: 500_000_000n, done: 0 }, steps };
    void ask(request(first, 'dropped', 9, dropped));
    said.push(await ask({ kind: 'abort', canisterId: first }));
  }
  const slice = { instructions: 5_000_000n, done: 0 };
  let open: CanisterId[] = [];
  for (const id of IDS) {
    const reply = await ask(request(id, 'canister_update work', 2, { slice }));
    said.push(
      reply,
      await ask(request(id, 'canister_query look', null)),
      await ask(request(id, 'canister_update over', null)),
    );
    open = reply.kind === 'paused' ? [...open, id] : open;
  }
  while (open.length > 0) {
    const paused: CanisterId[] = [];
    for (const id of open) {
      const reply = await ask({ kind: 'resume', canisterId: id, commitAs: 2 });
      said.push(reply);
      if (reply.kind === 'paused') {
        paused.push(id);
      }
    }
    open = paused;
  }
  const base = { from: 'version', version: 2 } as const;
  for (const id of IDS) {
    said.push(await ask(request(id, 'canister_query look', null, { base })));
  }
  return textOf(said);
}

function clientOf(
  source: string,
  configuration: Omit<SandboxConfiguration, 'kind'>,
): SandboxClient {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  return createSandboxClient({
    start: (events) => {
      const worker = new Worker(url, { type: 'module' });
      worker.addEventListener('message', ({ data }: MessageEvent<SandboxAnswer>) =>
        events.onAnswer(data),
      );
      worker.addEventListener('error', ({ message }) => events.onExit(message));
      worker.postMessage({ kind: 'configure', ...configuration });
      return { post: (call) => worker.postMessage(call), terminate: () => worker.terminate() };
    },
    timers: createHostTimers(),
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
}

window.sandboxProbe = {
  run: async (source, wasm, entries) => {
    const client = clientOf(source, { maxMemories: 2 });
    const [id = IDS[0] as CanisterId] = IDS;
    const ask = (asked: SandboxRequest): Promise<SandboxReply> =>
      new Promise((resolve) => client.request(asked, resolve));
    await ask(request(id, 'canister_init', 1, { base: { from: 'fresh' }, module: wasm }));
    const said: SandboxReply[] = [];
    for (const entry of entries) {
      said.push(await ask(request(id, entry, null)));
    }
    client.close();
    return textOf(said);
  },
  compare: async (source, wasm, maxMemories, stack) => {
    const client = clientOf(source, { maxMemories, ...(stack && { stack }) });
    const whole = stack && { bytes: stack.bytes, segmentBytes: stack.bytes };
    const inline = createSandbox({ ...(whole && { stack: whole }) });
    const ofWorker = await converse(
      (asked) => new Promise((resolve) => client.request(asked, resolve)),
      wasm,
    );
    const ofInline = await converse((asked) => inline.handle(asked), wasm);
    client.close();
    return [ofWorker, ofInline];
  },
};
