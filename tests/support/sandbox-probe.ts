import './page-globals.ts';
import type {
  RunRequest,
  SandboxReply,
  SandboxRequest,
} from '../../src/protocol/interfaces/wasm-host.ts';
import type { CanisterId, HashHex } from '../../src/protocol/types/ids.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { createHostTimers } from '../../src/workers/clock/host-timers.ts';
import type { SandboxAnswer } from '../../src/workers/sandbox/messages.ts';
import { createSandboxClient } from '../../src/workers/sandbox/sandbox-client.ts';
import { apiInput, textOf } from './test-canister.ts';

/** Runs inside the page: one real sandbox worker with few memories, and a sandbox inline to compare with. */
export interface SandboxProbe {
  /**
   * Long messages of three canisters at a time, in slices, with queries in between. Answers what a
   * worker with so many memories said, and what the inline sandbox did.
   */
  compare(
    source: string,
    wasm: Uint8Array,
    maxMemories: number,
  ): Promise<readonly [string, string]>;
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
    said.push(reply, await ask(request(id, 'canister_query look', null)));
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

window.sandboxProbe = {
  compare: async (source, wasm, maxMemories) => {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const client = createSandboxClient({
      start: (events) => {
        const worker = new Worker(url, { type: 'module' });
        worker.addEventListener('message', ({ data }: MessageEvent<SandboxAnswer>) =>
          events.onAnswer(data),
        );
        worker.addEventListener('error', ({ message }) => events.onExit(message));
        worker.postMessage({ kind: 'configure', maxMemories });
        return { post: (call) => worker.postMessage(call), terminate: () => worker.terminate() };
      },
      timers: createHostTimers(),
      onFatal: (reason) => {
        throw new Error(reason);
      },
    });
    const inline = createSandbox();
    const ofWorker = await converse(
      (asked) => new Promise((resolve) => client.request(asked, resolve)),
      wasm,
    );
    const ofInline = await converse((asked) => inline.handle(asked), wasm);
    client.close();
    return [ofWorker, ofInline];
  },
};
