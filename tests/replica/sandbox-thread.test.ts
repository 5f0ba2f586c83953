import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import type {
  MemoryImage,
  RunReply,
  RunRequest,
  SandboxReply,
  SandboxRequest,
} from '../../src/protocol/interfaces/wasm-host.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import type { CompileResult } from '../../src/sandbox/module-cache.ts';
import { ModuleCache } from '../../src/sandbox/module-cache.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import type { ModuleAsk } from '../../src/workers/modules/messages.ts';
import { createSandboxClient } from '../../src/workers/sandbox/sandbox-client.ts';
import { createSandboxPool } from '../../src/workers/sandbox/sandbox-pool.ts';
import { loadSandboxThread, type SandboxThread } from '../support/sandbox-thread.ts';
import { apiInput, hashOf } from '../support/test-canister.ts';
import { compileWat } from '../support/wat.ts';

const canister = (n: number): CanisterId => n.toString(16).padStart(20, '0') as CanisterId;
const [A, B] = [canister(1), canister(2)];

/** 64 MiB. */
const MANY_PAGES = 1024;

/** `hungry` grows, `small` does not; `fill` writes to each page of 16 MiB, `sum` adds up the first words of all, `spin` never ends. */
const MODULE = `
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (func (export "canister_update fill") (local $p i32)
    (drop (memory.grow (i32.const 255)))
    (loop $again
      (i32.store (local.get $p) (i32.add (local.get $p) (i32.const 7)))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 16777216))))
    (call $reply))
  (func (export "canister_query sum") (local $p i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 16777216))))
    (i32.store (i32.const 0) (local.get $sum))
    (call $append (i32.const 0) (i32.const 4))
    (call $reply))
  (func (export "canister_update small") (i32.store (i32.const 8) (i32.const 9)) (call $reply))
  (func (export "canister_update hungry")
    (if (i32.eq (memory.grow (i32.const MANY)) (i32.const -1)) (then unreachable))
    (i32.store (i32.const 70000) (i32.const 1))
    (call $reply))
  (func (export "canister_update spin") (loop $again (br $again))))
`;

/** What a broken rewriter could make of it: no counter is ever asked. */
const UNMETERED = `
(module
  (global (export "canister counter_instructions") (mut i64) (i64.const 0))
  (global (export "canister stop_reason") (mut i32) (i32.const 0))
  (global (export "canister stack_left") (mut i32) (i32.const 0))
  (table (export "canister host_functions") 3 funcref)
  (func (export "canister charge") (param f64) (result i32) (i32.const 0))
  (func (export "canister_update spin") (loop $again (br $again))))
`;

describe('a sandbox in a thread whose engine cannot suspend', () => {
  let startThread: Awaited<ReturnType<typeof loadSandboxThread>>;
  let wasm: Uint8Array;
  let unmetered: CompileResult;

  beforeAll(async () => {
    startThread = await loadSandboxThread();
    wasm = await compileWat(MODULE.replace('MANY', `${MANY_PAGES}`));
    const compiled = new ModuleCache().compile(hashOf(wasm), wasm);
    if (!compiled.ok) {
      throw new TypeError(compiled.error.message);
    }
    const instrumented = { ...compiled.value.instrumented, memory: null, mutableGlobals: [] };
    const module = new WebAssembly.Module((await compileWat(UNMETERED)) as BufferSource);
    unmetered = { ok: true, value: { instrumented, module } };
  });

  const run = (canisterId: CanisterId, entry: string, more: Partial<RunRequest>): RunRequest => ({
    kind: 'run',
    canisterId,
    moduleHash: hashOf(wasm),
    base: { from: 'fresh' },
    steps: [{ entry, input: apiInput('update'), optional: false }],
    instructionLimit: 40_000_000_000n,
    commitAs: 1,
    oldestVersionInUse: 0,
    module: wasm,
    ...more,
  });
  const sumOf = (canisterId: CanisterId, image?: MemoryImage): RunRequest => {
    const base = { from: 'version', version: 1 } as const;
    return run(canisterId, 'canister_query sum', {
      base,
      commitAs: null,
      ...(image === undefined ? {} : { image }),
    });
  };
  const ran = (reply: SandboxReply): RunReply => {
    if (reply.kind !== 'ran') {
      throw new TypeError(`answered with ${reply.kind}`);
    }
    return reply;
  };
  /** Thousands of pages are compared by their hash. */
  const digest = ({ delta, ...rest }: RunReply): readonly unknown[] => {
    const hash = createHash('sha256');
    for (const { index, bytes } of delta?.heap ?? []) {
      hash.update(`${index}`).update(bytes);
    }
    return [rest, delta?.heap.length, hash.digest('hex')];
  };
  const imageOf = ({ delta }: RunReply): MemoryImage => {
    const { heap, heapWasmPages, stable, stableWasmPages, globals } = present(delta, 'committed');
    return { heap, heapWasmPages, stable, stableWasmPages, globals };
  };

  const createSubject = (
    workers: number,
    broker: (ask: ModuleAsk, worker: number) => CompileResult | null,
  ) => {
    const timers = Array.from({ length: workers }, () => new Map<object, () => void>());
    let renewed = 0;
    const threads: SandboxThread[] = [];
    const fatal: string[] = [];
    let signs = 0;
    const pool = createSandboxPool(
      timers.map((own, worker) =>
        createSandboxClient({
          start: ({ onAnswer, onExit }) => {
            const thread = startThread(2, (asked) => broker(asked, worker), {
              onAnswer: (answer) => {
                signs += 'alive' in answer ? 1 : 0;
                onAnswer(answer);
              },
              onExit,
            });
            threads.push(thread);
            return thread;
          },
          timers: {
            set: (_delayMs, task) => {
              const handle = {};
              own.set(handle, task);
              renewed += 1;
              return handle;
            },
            clear: (handle) => own.delete(handle as object),
          },
          onFatal: (reason) => fatal.push(reason),
        }),
      ),
    );
    const ask = (request: SandboxRequest): Promise<SandboxReply> =>
      new Promise((resolve) => pool.request(request, resolve));
    const close = async (): Promise<void> => {
      pool.close();
      await Promise.all(threads.map(({ ended }) => ended));
    };
    /** As if the time of the only timer of a worker were over. */
    const silence = (worker: number): void => {
      for (const task of [...(timers[worker]?.values() ?? [])]) {
        task();
      }
    };
    return { ask, threads, fatal, close, silence, told: () => ({ signs, renewed }) };
  };

  it('is ended when its code never stops; the next one answers, and others never waited', async () => {
    let isTold = (): void => undefined;
    const told = new Promise<void>((resolve) => {
      isTold = resolve;
    });
    let times = 0;
    // The first sandbox of canister A is given code that no counter stops.
    const { ask, threads, fatal, close, silence } = createSubject(2, (_ask, worker) => {
      if (worker !== 0) {
        return null;
      }
      isTold();
      times += 1;
      return times === 1 ? unmetered : null;
    });
    const stuck = ask(run(A, 'canister_update spin', { instructionLimit: 1_000_000n }));
    await told;
    await ask(run(B, 'canister_update fill', {}));
    expect(ran(await ask(sumOf(B))).outcome).toEqual({ ok: true });
    expect(threads.length).toBe(2);
    silence(0);
    const reply = ran(await stuck);
    expect(reply.instructionsUsed).toBe(1_000_000n);
    expect(reply.outcome).toMatchObject({ ok: false, error: { code: 522 } });
    expect(threads.length).toBe(3);
    expect(await threads[0]?.ended).toBe(1);
    expect(fatal).toEqual([]);
    await close();
  });

  it('says that it is at work while a metered run goes on', async () => {
    const { ask, threads, close, told } = createSubject(1, () => null);
    // How long a run takes is the machine's affair: each is twice the last until one gives a sign.
    const most = 40_000_000_000n;
    for (let limit = 250_000_000n; told().signs === 0 && limit <= most; limit *= 2n) {
      const before = told();
      const reply = ran(await ask(run(A, 'canister_update spin', { instructionLimit: limit })));
      expect(reply.outcome).toMatchObject({ ok: false, error: { code: 522 } });
      expect(reply.instructionsUsed).toBe(limit);
      // Each sign renews the watch, as the request and its answer do.
      expect(told().renewed - before.renewed).toBe(told().signs + 2);
    }
    expect(told().signs).toBeGreaterThanOrEqual(1);
    expect(threads.length).toBe(1);
    await close();
  });

  it('is rebuilt from pages when it died with a large heap: same answer, same cost', async () => {
    const { ask, threads, fatal, close, silence } = createSubject(1, () => null);
    const inline = createSandbox();
    const filled = ran(await ask(run(A, 'canister_update fill', {})));
    const same = ran(inline.handle(run(A, 'canister_update fill', {})));
    expect(digest(same)).toEqual(digest(filled));
    const before = ran(await ask(sumOf(A)));
    expect(before).toEqual(inline.handle(sumOf(A)));
    threads[0]?.terminate();
    await threads[0]?.ended;
    // Nobody told the client, as when a browser ends a worker that took too much memory.
    const asked = ask(sumOf(A));
    silence(0);
    const missing = await asked;
    expect(missing).toMatchObject({ kind: 'missing', image: true });
    expect(threads.length).toBe(2);
    expect(await ask(sumOf(A, imageOf(filled)))).toEqual(before);
    expect(fatal).toEqual([]);
    await close();
  });

  it('is ended when the engine has no memory for its canister, and the next one is told the truth', async () => {
    const { ask, threads, fatal, close } = createSubject(1, () => null);
    const small = ran(await ask(run(B, 'canister_update small', {})));
    setFlagsFromString(`--wasm-max-mem-pages=${MANY_PAGES - 1}`);
    const hungry = ask(run(A, 'canister_update hungry', {}));
    await threads[0]?.ended;
    setFlagsFromString('--wasm-max-mem-pages=65536');
    // To the canister it never happened: memory that the limits allow is there.
    expect(ran(await hungry).outcome).toEqual({ ok: true });
    expect(threads.length).toBe(2);
    expect(digest(ran(await hungry))).toEqual(
      digest(ran(createSandbox().handle(run(A, 'canister_update hungry', {})))),
    );
    expect(await ask(sumOf(B))).toMatchObject({ kind: 'missing', image: true });
    expect(ran(await ask(sumOf(B, imageOf(small)))).outcome).toMatchObject({ ok: false });
    expect(fatal).toEqual([]);
    await close();
  });
});
